#include "launch/paddle_ps_env.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

std::string List(const std::vector<std::string>& endpoints) {
  return absl::StrJoin(endpoints, ",");
}

const char* RoleName(PaddlePsRole role) {
  switch (role) {
    case PaddlePsRole::kServer:
      return "PSERVER";
    case PaddlePsRole::kTrainer:
      return "TRAINER";
    case PaddlePsRole::kHeterTrainer:
      return "HETER_TRAINER";
  }
  return "";
}

void SetOwn(const PaddlePsProcess& process, Env* env) {
  const size_t colon = process.endpoint.rfind(':');
  (*env)["POD_IP"] = process.endpoint.substr(0, colon);
  (*env)["PADDLE_PORT"] = process.endpoint.substr(colon + 1);
  (*env)["TRAINING_ROLE"] = RoleName(process.role);
  if (process.role == PaddlePsRole::kTrainer) {
    (*env)["PADDLE_TRAINER_ID"] = absl::StrCat(process.index);
  }
}

void SetGloo(const PaddleGloo& gloo, Env* env) {
  (*env)["PADDLE_WITH_GLOO"] = gloo.with_gloo;
  (*env)["PADDLE_GLOO_RENDEZVOUS"] = "3";  // By HTTP.
  (*env)["PADDLE_GLOO_FS_PATH"] = gloo.fs_path;
  (*env)["PADDLE_GLOO_HTTP_ENDPOINT"] = gloo.http_endpoint;
}

void SetLegacyDevice(const PaddlePsProcess& process, Env* env) {
  if (process.role == PaddlePsRole::kServer) return;
  const std::string device = process.device.empty() ? "0" : process.device;
  (*env)["FLAGS_selected_gpus"] = "0";
  (*env)["FLAGS_selected_xpus"] = "0";
  (*env)["CUDA_VISIBLE_DEVICES"] = device;
  (*env)["XPU_VISIBLE_DEVICES"] = device;
}

// Stage 1 is the trainers, stage 2 `heter_stages[0]`, and so on; "" past either end.
std::string StageList(const PaddlePsProcess& process, int stage) {
  if (stage == 1) return List(process.trainers);
  const size_t index = static_cast<size_t>(stage - 2);
  if (stage < 2 || index >= process.heter_stages.size()) return "";
  return List(process.heter_stages[index]);
}

void SetStages(const PaddlePsProcess& process, Env* env) {
  (*env)["PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST"] = absl::StrJoin(
      process.heter_stages, ",", [](std::string* out, const std::vector<std::string>& stage) {
        absl::StrAppend(out, List(stage));
      });
  if (process.role == PaddlePsRole::kServer) return;
  std::vector<size_t> sizes = {process.trainers.size()};
  for (const std::vector<std::string>& stage : process.heter_stages) sizes.push_back(stage.size());
  // The text of a Python list.
  (*env)["PADDLE_STAGE_TRAINERS_NUM"] = absl::StrCat("[", absl::StrJoin(sizes, ", "), "]");
  (*env)["STAGE_ID"] = absl::StrCat(process.stage);
  (*env)["STAGE_NUM"] = absl::StrCat(sizes.size());
  (*env)["PADDLE_PREVIOUS_HETER_TRAINER_IP_PORT_LIST"] = StageList(process, process.stage - 1);
  (*env)["PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST"] = StageList(process, process.stage + 1);
  (*env)["HETER_DEVICE_TYPE"] = process.heter_device;
}

}  // namespace

Env PaddlePsEnv(const PaddlePsProcess& process) {
  Env env = {
      {"PADDLE_PSERVERS_IP_PORT_LIST", List(process.servers)},
      {"PADDLE_TRAINER_ENDPOINTS", List(process.trainers)},
      {"PADDLE_TRAINERS_NUM", absl::StrCat(process.trainers.size())},
  };
  SetOwn(process, &env);
  SetGloo(process.gloo, &env);
  if (process.legacy) {
    SetLegacyDevice(process, &env);
    // Of all but the trainers of the later stages, which do not know the coordinator.
    if (process.role != PaddlePsRole::kHeterTrainer) env["PADDLE_COORDINATOR_ENDPOINTS"] = "";
  } else {
    env["PADDLE_ROLE"] = RoleName(process.role);
    if (process.num_nodes.has_value()) env["PADDLE_NNODES"] = absl::StrCat(*process.num_nodes);
  }
  if (!process.heter_stages.empty()) SetStages(process, &env);
  return env;
}

}  // namespace muster

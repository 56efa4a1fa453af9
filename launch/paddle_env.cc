#include "launch/paddle_env.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

constexpr char kTrainerEndpoints[] = "PADDLE_TRAINER_ENDPOINTS";
constexpr size_t kMaxArgStrlen = 128 << 10;  // Of "NAME=value" and its terminator.

void SetDevices(const PaddleTrainer& trainer, Env* env) {
  if (trainer.device_flag.empty()) {
    (*env)["PADDLE_DISTRI_BACKEND"] = "gloo";
    return;
  }
  (*env)[absl::StrCat("FLAGS_selected_", trainer.device_flag)] = trainer.devices;
  if (trainer.xccl_backend.empty()) return;
  (*env)["PADDLE_DISTRI_BACKEND"] = "xccl";
  (*env)["PADDLE_XCCL_BACKEND"] = trainer.xccl_backend;
}

std::string JsonString(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", c);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

bool IsTooLong(const std::string& name, const std::string& value, size_t limit) {
  if (name == kTrainerEndpoints && value.size() >= limit) return true;
  const bool is_list = name == kTrainerEndpoints || absl::EndsWith(name, "_IP_PORT_LIST");
  return is_list && name.size() + value.size() + 2 > kMaxArgStrlen;
}

}  // namespace

Env PaddleTrainerEnv(const PaddleTrainer& trainer) {
  const std::string world_size = absl::StrCat(trainer.endpoints.size());
  const std::string global_rank = absl::StrCat(trainer.global_rank);
  const std::string local_rank = absl::StrCat(trainer.local_rank);
  Env env = {
      {"PADDLE_GLOBAL_SIZE", world_size},
      {"PADDLE_TRAINERS_NUM", world_size},
      {"PADDLE_LOCAL_SIZE", absl::StrCat(trainer.local_size)},
      {"PADDLE_GLOBAL_RANK", global_rank},
      {"PADDLE_TRAINER_ID", global_rank},
      {"PADDLE_LOCAL_RANK", local_rank},
      {"PADDLE_RANK_IN_NODE", local_rank},
      {"PADDLE_NNODES", absl::StrCat(trainer.num_nodes)},
      {kTrainerEndpoints, absl::StrJoin(trainer.endpoints, ",")},
      {"PADDLE_CURRENT_ENDPOINT", trainer.endpoints.at(trainer.global_rank)},
  };
  if (!trainer.master.empty()) env["PADDLE_MASTER"] = trainer.master;
  if (trainer.auto_cluster) env["PADDLE_AUTO_CLUSTER"] = "0";
  SetDevices(trainer, &env);
  return env;
}

Env PaddleRpcEnv(const PaddleRpcWorker& worker) {
  return {
      {"PADDLE_MASTER_ENDPOINT", worker.master},
      {"PADDLE_WORKER_ENDPOINT", worker.worker_endpoint},
      {"PADDLE_TRAINER_ID", absl::StrCat(worker.rank)},
      {"PADDLE_TRAINERS_NUM", absl::StrCat(worker.world_size)},
  };
}

std::string PaddleBackupEnv(const Env& env) {
  // As json.dump(env, indent=4, sort_keys=True) lays it out.
  return absl::StrCat("{\n",
                      absl::StrJoin(env, ",\n",
                                    [](std::string* out, const Env::value_type& entry) {
                                      absl::StrAppend(out, "    ", JsonString(entry.first), ": ",
                                                      JsonString(entry.second));
                                    }),
                      "\n}");
}

std::string MoveLargeEndpointLists(Env* env, size_t limit) {
  Env kept;
  for (const auto& [name, value] : *env) {
    if (!IsTooLong(name, value, limit)) kept.emplace(name, value);
  }
  if (kept.size() == env->size()) return "";
  std::string backup = PaddleBackupEnv(*env);
  *env = std::move(kept);
  return backup;
}

std::vector<std::string> PaddleLeftovers() {
  return {
      "PADDLE_AUTO_CLUSTER",
      "PADDLE_BACKUP_ENV_PATH",
      "PADDLE_COORDINATOR_ENDPOINTS",
      "PADDLE_CURRENT_ENDPOINT",
      "PADDLE_DISTRI_BACKEND",
      "PADDLE_GLOBAL_RANK",
      "PADDLE_GLOBAL_SIZE",
      "PADDLE_GLOO_*",
      "PADDLE_LOCAL_DEVICE_IDS",
      "PADDLE_LOCAL_RANK",
      "PADDLE_LOCAL_SIZE",
      "PADDLE_MASTER",
      "PADDLE_MASTER_ENDPOINT",
      "PADDLE_NNODES",
      "PADDLE_PORT",
      "PADDLE_PSERVERS_IP_PORT_LIST",
      "PADDLE_RANK_IN_NODE",
      "PADDLE_ROLE",
      "PADDLE_STAGE_TRAINERS_NUM",
      "PADDLE_TRAINERS_NUM",
      "PADDLE_TRAINER_ENDPOINTS",
      "PADDLE_TRAINER_ID",
      "PADDLE_WITH_GLOO",
      "PADDLE_WORKER_ENDPOINT",
      "PADDLE_WORLD_DEVICE_IDS",
      "PADDLE_ALL_HETER_TRAINER_IP_PORT_LIST",
      "PADDLE_NEXT_HETER_TRAINER_IP_PORT_LIST",
      "PADDLE_PREVIOUS_HETER_TRAINER_IP_PORT_LIST",
      "FLAGS_selected_*",
      "HETER_DEVICE_TYPE",
      "POD_NAME",
      "STAGE_ID",
      "STAGE_NUM",
      "TRAINING_ROLE",
  };
}

}  // namespace muster

#include "ctl/frontend/paddle/ipu.h"

#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "ctl/frontend/argparse/arg_parser.h"

namespace muster {
namespace {

std::vector<ArgSpec> IpuSpecs() {
  using Type = ArgSpec::Type;
  return {
      {{"--hosts"}, Type::kString, {}, "", "hosts of the job, divided by commas"},
      {{"--nproc_per_host"}, Type::kInt, {}, "", "processes on each host"},
      {{"--ipus_per_replica"}, Type::kInt, {}, "", "IPUs of one replica"},
      {{"--ipu_partition"}, Type::kString, {}, "", "partition of the IPU machine"},
      {{"--vipu_server"}, Type::kString, {}, "", "address of the V-IPU server"},
  };
}

absl::Status Refuse(int code, absl::string_view what, int* exit_code) {
  *exit_code = code;
  return absl::InvalidArgumentError(what);
}

}  // namespace

absl::StatusOr<PaddleIpuJob> ReadIpuJob(const PodSettings& settings, const std::string& program,
                                        int* exit_code) {
  const std::vector<ArgSpec> specs = IpuSpecs();
  const ArgParser parser(absl::StrCat(program, " ipu"), {"training_script", "training_script_args"},
                         specs);
  const ArgParser::Result result = parser.Parse(settings.flags.script_args, /*known_only=*/false);
  if (result.error.has_value()) return Refuse(2, *result.error, exit_code);
  for (const ArgSpec& spec : specs) {
    if (result.args.Has(spec.names.front().substr(2))) continue;
    return Refuse(2, absl::StrCat(program, " ipu: error: ", spec.names.front(), " is required\n"),
                  exit_code);
  }
  PaddleIpuJob job;
  const std::string devices = absl::StrJoin(settings.flags.devices, ",");
  if (!absl::SimpleAtoi(devices, &job.devices)) {
    return Refuse(1, absl::StrCat("--devices=", devices, ": expected the number of IPUs"),
                  exit_code);
  }
  for (const absl::string_view host :
       absl::StrSplit(result.args.Get("hosts"), ',', absl::SkipWhitespace())) {
    job.hosts.emplace_back(absl::StripAsciiWhitespace(host));
  }
  job.nproc_per_host = result.args.GetInt("nproc_per_host", 0);
  job.ipus_per_replica = result.args.GetInt("ipus_per_replica", 0);
  job.partition = result.args.Get("ipu_partition");
  job.vipu_server = result.args.Get("vipu_server");
  const auto level = settings.env.find("POPART_LOG_LEVEL");
  if (level != settings.env.end()) job.log_level = level->second;
  job.command = {settings.python};
  job.command.insert(job.command.end(), result.args.rest.begin(), result.args.rest.end());
  const std::string fault = PaddleIpuFault(job);
  if (!fault.empty()) return Refuse(1, fault, exit_code);
  return job;
}

PodPlan PlanIpu(const PodSettings& settings, const PaddleIpuJob& job, const PaddleNode& node) {
  PaddleTrainer trainer;
  trainer.master = node.candidate;
  trainer.endpoints = {node.endpoints.front()};
  trainer.local_size = 1;
  trainer.num_nodes = 1;
  trainer.device_flag = "ipus";
  trainer.devices = absl::StrCat(job.devices);
  PodPlan plan;
  plan.processes.push_back(MakePodProcess(settings, PaddleTrainerEnv(trainer), "workerlog.0", 0));
  plan.processes.front().spec.argv = PaddlePoprunArgv(job);
  plan.notes.push_back("-----------  PopRun Command -----------");
  const std::vector<std::string> parts = PaddlePoprunParts(job);
  for (size_t i = 0; i < parts.size(); ++i) {
    plan.notes.push_back(absl::StrCat(parts[i], i + 1 < parts.size() ? " \\" : ""));
  }
  plan.notes.push_back("---------------------------------------");
  return plan;
}

}  // namespace muster

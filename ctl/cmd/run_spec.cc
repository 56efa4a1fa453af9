#include "ctl/cmd/run_spec.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_check.h"
#include "common/job/job_names.h"
#include "common/rpc/error_details.h"
#include "launch/registry.h"

namespace muster {
namespace {

// What decides which programs and libraries a command means goes along; the rest of the caller's
// environment, where secrets may be, does not leave this process unless --env names it.
constexpr const char* kCarried[] = {"PATH",        "PYTHONPATH",      "LD_LIBRARY_PATH",
                                    "VIRTUAL_ENV", "CONDA_PREFIX",    "LANG",
                                    "LC_ALL",      "OMP_NUM_THREADS", "PYTHONUNBUFFERED"};

constexpr int64_t kMaxRestarts = 1000000;  // As FindJobFaults() has it.

absl::Status Wrong(absl::string_view flag, absl::string_view value, absl::string_view form) {
  return absl::InvalidArgumentError(absl::StrCat(flag, ": '", value, "' is not ", form));
}

absl::Status SetNodes(const std::string& text, v1::NodeRange* nodes) {
  const std::vector<absl::string_view> ends = absl::StrSplit(text, absl::MaxSplits('-', 1));
  int32_t min = 0;
  int32_t max = 0;
  if (!absl::SimpleAtoi(ends.front(), &min) || !absl::SimpleAtoi(ends.back(), &max) || min < 1 ||
      max < 1) {
    return Wrong("--nodes", text, "a number of hosts, like 2 or 2-4");
  }
  if (max < min) {
    return absl::InvalidArgumentError(
        absl::StrCat("--nodes: '", text, "': the maximum, ", max, ", is below the minimum, ", min));
  }
  nodes->set_min(min);
  nodes->set_max(max);
  return absl::OkStatus();
}

absl::Status SetRanks(const Flags& flags, v1::JobSpec* spec) {
  const int64_t ranks = flags.Int("nproc", 1);
  if (ranks < 1 || ranks > kMaxRanksPerNode) {
    return WithDetail(absl::InvalidArgumentError(absl::StrCat(
                          "--nproc: ", ranks, " ranks on a host, must be 1 to ", kMaxRanksPerNode)),
                      "OUT_OF_RANGE", "job.ranks_per_node", "more ranks need more hosts: --nodes");
  }
  spec->set_ranks_per_node(static_cast<int32_t>(ranks));
  return absl::OkStatus();
}

absl::Status SetDevices(const std::string& text, v1::DeviceRequest* devices) {
  const std::vector<std::string> halves = absl::StrSplit(text, absl::MaxSplits(':', 1));
  int32_t count = 1;
  if (halves[0].empty() || (halves.size() == 2 && !absl::SimpleAtoi(halves[1], &count)) ||
      count < 1) {
    return Wrong("--devices", text, "KIND:COUNT, like nvidia:1");
  }
  devices->set_kind(halves[0]);
  devices->set_count(count);
  return absl::OkStatus();
}

absl::Status SetEnv(const std::vector<std::string>& given, const EnvLookup& env,
                    google::protobuf::Map<std::string, std::string>* out) {
  for (const char* name : kCarried) {
    const std::string value = env(name);
    if (!value.empty()) (*out)[name] = value;
  }
  for (const std::string& text : given) {
    const std::pair<std::string, std::string> halves =
        absl::StrSplit(text, absl::MaxSplits('=', 1));
    if (!IsEnvName(halves.first)) return Wrong("--env", text, "NAME=VALUE or NAME");
    (*out)[halves.first] = text.find('=') == std::string::npos ? env(halves.first) : halves.second;
  }
  return absl::OkStatus();
}

// The flag that sets a field of the spec.
std::string FlagOf(absl::string_view field_path) {
  static constexpr std::pair<const char*, const char*> kFlags[] = {
      {"job.nodes", "--nodes"},       {"job.devices_per_rank", "--devices"},
      {"job.name", "--name"},         {"job.env", "--env"},
      {"job.workdir", "--workdir"},   {"job.restart", "--max-restarts"},
      {"job.logs", "--log-dir"},      {"job.contract", "--contract"},
      {"job.command", "the command"},
  };
  for (const auto& [field, flag] : kFlags) {
    if (absl::StartsWith(field_path, field)) return absl::StrCat(flag, ": ");
  }
  return "";
}

absl::Status CheckFlags(const v1::JobSpec& spec) {
  const std::vector<JobFault> faults = FindJobFaults(spec);
  if (faults.empty()) return absl::OkStatus();
  v1::ErrorDetails details;
  for (const JobFault& fault : faults) *details.add_errors() = fault.detail;
  const std::string flag = FlagOf(faults[0].detail.field_path());
  return WithDetails(absl::InvalidArgumentError(absl::StrCat(flag, faults[0].message)), details);
}

}  // namespace

std::vector<FlagSpec> RunSpecFlags() {
  return {
      {"nproc", 'n', FlagType::kInt, "N", "ranks on each host (default 1)"},
      {"nodes", 'N', FlagType::kString, "N|MIN-MAX", "hosts (default 1)"},
      {"contract", 0, FlagType::kString, "NAME",
       "what the ranks expect of their launcher: plain (default), torch"},
      {"devices", 0, FlagType::kString, "KIND:COUNT", "devices of each rank"},
      {"name", 0, FlagType::kString, "NAME", "the job's name (default: the program's)"},
      {"env", 'e', FlagType::kList, "NAME[=VALUE]", "a variable for every rank"},
      {"workdir", 'w', FlagType::kString, "DIR", "where the ranks start (default: here)"},
      {"max_restarts", 0, FlagType::kInt, "N", "how often a failed run starts again (default 0)"},
      {"on_failure", 0, FlagType::kChoice, "stop_gang|continue",
       "what the failure of one rank means for the others"},
      {"bind", 0, FlagType::kChoice, "none|core|numa", "binds each rank to processors"},
      {"log_dir", 0, FlagType::kString, "DIR", "also keeps each rank's output in a file there"},
      {"tty", 't', FlagType::kBool, "",
       "gives each rank a pseudo terminal to write to; stdin stays empty"},
  };
}

absl::StatusOr<v1::JobSpec> RunSpec(const Flags& flags, const std::vector<std::string>& command,
                                    const std::string& current_dir, const EnvLookup& env) {
  v1::JobSpec spec = CommandSpec(command, current_dir);
  MUSTER_RETURN_IF_ERROR(ApplyRunFlags(flags, current_dir, env, &spec));
  MUSTER_RETURN_IF_ERROR(FinishRunSpec(&spec));
  return spec;
}

v1::JobSpec CommandSpec(const std::vector<std::string>& command, const std::string& current_dir) {
  v1::JobSpec spec;
  spec.set_name(JobNameFrom(BaseName(command[0])));
  spec.set_contract("plain");
  spec.mutable_nodes()->set_min(1);
  spec.mutable_nodes()->set_max(1);
  spec.set_ranks_per_node(1);
  spec.set_workdir(current_dir);
  for (const std::string& word : command) spec.add_command(word);
  return spec;
}

absl::Status ApplyRunFlags(const Flags& flags, const std::string& current_dir, const EnvLookup& env,
                           v1::JobSpec* spec) {
  if (flags.Has("name")) spec->set_name(flags.String("name"));
  if (flags.Has("contract")) spec->set_contract(flags.String("contract"));
  if (flags.Has("nodes")) {
    MUSTER_RETURN_IF_ERROR(SetNodes(flags.String("nodes"), spec->mutable_nodes()));
  }
  if (flags.Has("nproc")) MUSTER_RETURN_IF_ERROR(SetRanks(flags, spec));
  if (flags.Has("devices")) {
    MUSTER_RETURN_IF_ERROR(SetDevices(flags.String("devices"), spec->mutable_devices_per_rank()));
  }
  if (flags.Has("workdir")) spec->set_workdir(JoinPath(current_dir, flags.String("workdir")));
  MUSTER_RETURN_IF_ERROR(SetEnv(flags.List("env"), env, spec->mutable_env()));
  if (flags.Has("max_restarts")) {
    const int64_t restarts = flags.Int("max_restarts", 0);
    if (restarts > kMaxRestarts) {
      return Wrong("--max-restarts", flags.String("max_restarts"),
                   absl::StrCat("a number from 0 to ", kMaxRestarts));
    }
    spec->mutable_restart()->set_max_restarts(static_cast<int32_t>(restarts));
  }
  if (flags.String("on_failure") == "continue") spec->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  if (flags.String("bind") == "core") spec->set_bind(v1::CORE_BINDING_CORE);
  if (flags.String("bind") == "numa") spec->set_bind(v1::CORE_BINDING_NUMA);
  if (flags.Has("log_dir")) spec->mutable_logs()->set_dir(flags.String("log_dir"));
  if (flags.Has("tty")) spec->set_tty(flags.Bool("tty"));
  return absl::OkStatus();
}

absl::Status FinishRunSpec(v1::JobSpec* spec) {
  // Before the defaults, which would name fields that no flag sets.
  MUSTER_RETURN_IF_ERROR(CheckFlags(*spec));
  CompleteSpec(spec);
  return CheckContract(*spec);
}

}  // namespace muster

#include "ctl/frontend/paddle/job_spec.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_names.h"
#include "common/job/node_list.h"
#include "ctl/frontend/paddle/flags.h"
#include "ctl/frontend/paddle/ipu.h"
#include "ctl/frontend/paddle/job_mode.h"
#include "ctl/frontend/paddle/pod.h"

namespace muster {
namespace {

using Endpoints = std::vector<std::string>;

// Which devices a rank asks for; a count of 0: none.
struct Wish {
  std::string kind = "nvidia";
  int devices = 0;  // On each node.
};

// The kind's name among agents. The host that submits need not have any device, so flags and
// variables say which kind is meant.
Wish DevicesWished(const FrontendCall& call, const PaddleFlags& flags) {
  Wish wish;
  for (const std::string& word : call.words) {
    if (word == flags.script) break;
    if (absl::StartsWith(word, "--npus")) wish.kind = "ascend";
    if (absl::StartsWith(word, "--xpus")) wish.kind = "xpu";
  }
  std::string visible;
  for (const auto& [variable, kind] :
       std::map<std::string, std::string>{{"CUDA_VISIBLE_DEVICES", "nvidia"},
                                          {"XPU_VISIBLE_DEVICES", "xpu"},
                                          {"ASCEND_VISIBLE_DEVICES", "ascend"},
                                          {"MLU_VISIBLE_DEVICES", "mlu"}}) {
    const auto found = call.env.find(variable);
    if (found == call.env.end()) continue;
    visible = found->second;
    wish.kind = kind;
  }
  const auto backend = call.env.find("PADDLE_XCCL_BACKEND");
  if (backend != call.env.end()) {
    wish.kind = backend->second == "npu" ? "ascend" : backend->second;
  }
  if (!flags.devices.empty()) {
    wish.devices = static_cast<int>(flags.devices.size());
  } else if (!visible.empty() && visible != "all") {
    const std::vector<std::string> labels = absl::StrSplit(visible, ',');
    wish.devices = static_cast<int>(labels.size());
  }
  return wish;
}

void SetDevices(const Wish& wish, int count, v1::DeviceRequest* request) {
  request->set_kind(wish.kind);
  request->set_count(count);
}

// Each host once, in the order in which the lists name them: the node ranks of the job.
std::vector<std::string> HostsOf(const std::vector<Endpoints>& lists) {
  std::vector<std::string> hosts;
  for (const Endpoints& list : lists) {
    for (const std::string& endpoint : list) {
      const std::string host = EndpointHost(endpoint);
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
    }
  }
  return hosts;
}

class JobMaker {
 public:
  JobMaker(const FrontendCall& call, const PaddleFlags& flags)
      : call_(call), flags_(flags), wish_(DevicesWished(call, flags)) {
    settings_.flags = flags;
    settings_.env = call.env;
    const auto python = call.env.find("PADDLE_LAUNCH_PYTHON");
    settings_.python = python == call.env.end() ? "python3" : python->second;
  }

  absl::StatusOr<FrontendJob> Make() {
    spec().set_name(JobNameFrom(BaseName(flags_.script)));
    spec().set_workdir(call_.current_dir);
    spec().mutable_logs()->set_dir(flags_.log_dir);
    SetNodes(flags_.min_nodes, flags_.max_nodes);
    for (const std::string& word : PaddleCommand(settings_)) spec().add_command(word);
    const PaddleMode mode = ChoosePaddleMode(flags_);
    if (flags_.legacy && IsLegacyServers()) {
      MUSTER_RETURN_IF_ERROR(SetLegacyServers());
    } else if (mode == PaddleMode::kParameterServer) {
      SetServers();
    } else if (mode == PaddleMode::kIpu) {
      MUSTER_RETURN_IF_ERROR(SetIpu());
    } else {
      SetTrainers(mode == PaddleMode::kRpc ? "paddle_rpc" : "paddle_collective");
    }
    if (mode == PaddleMode::kElastic && flags_.elastic_level >= 1) {
      spec().mutable_restart()->set_max_restarts(flags_.max_restart);
    }
    AddNotes();
    // As the original: process 0, which is the first server where there are servers.
    job_.shown_ranks = std::vector<int>{0};
    if (spec().roles_size() > 0) job_.shown_role = spec().roles(0).name();
    return std::move(job_);
  }

 private:
  v1::JobSpec& spec() { return job_.spec; }

  void SetNodes(int min, int max) {
    spec().mutable_nodes()->set_min(min);
    spec().mutable_nodes()->set_max(max);
  }

  void SetTrainers(const char* contract) {
    spec().set_contract(contract);
    if (!flags_.ips.empty() && flags_.master.empty()) {
      SetNodes(static_cast<int>(flags_.ips.size()), static_cast<int>(flags_.ips.size()));
    }
    const int ranks =
        flags_.nproc_per_node > 0 ? flags_.nproc_per_node : std::max(wish_.devices, 1);
    spec().set_ranks_per_node(ranks);
    if (wish_.devices == 0 || contract == std::string("paddle_rpc")) return;
    // One process has all chosen devices, several have one each.
    SetDevices(wish_, ranks == 1 ? wish_.devices : 1, spec().mutable_devices_per_rank());
  }

  v1::RoleSpec* AddRole(const char* name) {
    v1::RoleSpec* const role = spec().add_roles();
    role->set_name(name);
    return role;
  }

  // A role of given endpoints, on as many hosts as those have, apart from roles on other hosts: as
  // many on each host as there, where all have the same number.
  void AddListedRole(const char* name, const Endpoints& list,
                     const std::vector<std::string>& hosts) {
    std::map<std::string, int> counts;
    for (const std::string& endpoint : list) ++counts[EndpointHost(endpoint)];
    const int first = counts.begin()->second;
    const bool even = std::all_of(counts.begin(), counts.end(),
                                  [first](const auto& entry) { return entry.second == first; });
    v1::RoleSpec* const role = AddRole(name);
    if (counts.size() < hosts.size()) {
      std::vector<int> node_ranks;
      for (size_t i = 0; i < hosts.size(); ++i) {
        if (counts.count(hosts[i]) > 0) node_ranks.push_back(static_cast<int>(i));
      }
      role->set_node_ranks(NodeList::Write(node_ranks));
    }
    if (even) {
      role->set_per_node(first);
    } else {
      role->set_count(static_cast<int>(list.size()));
    }
  }

  void SetServers() {
    spec().set_contract("paddle_ps");
    spec().mutable_paddle()->set_with_gloo(flags_.with_gloo);
    if (!flags_.servers.empty() && !flags_.trainers.empty()) {
      const std::vector<std::string> hosts = HostsOf({flags_.servers, flags_.trainers});
      SetNodes(static_cast<int>(hosts.size()), static_cast<int>(hosts.size()));
      AddListedRole("server", flags_.servers, hosts);
      AddListedRole("trainer", flags_.trainers, hosts);
      // The default is nobody's wish, and would keep two jobs off one host.
      if (flags_.gloo_port != PaddleFlags().gloo_port) {
        spec().mutable_paddle()->set_gloo_port(flags_.gloo_port);
      }
      return;
    }
    AddRole("server")->set_per_node(std::max(flags_.server_num.value_or(0), 1));
    AddRole("trainer")->set_per_node(std::max(flags_.trainer_num.value_or(0), 1));
  }

  bool IsLegacyServers() const {
    return flags_.worker_num.has_value() || flags_.server_num.has_value() ||
           !flags_.workers.empty() || !flags_.servers.empty() || !flags_.heter_workers.empty() ||
           !flags_.heter_worker_num.empty();
  }

  // A role of the legacy launcher: by list, or by a count on one host.
  absl::Status AddLegacyRole(const char* name, const Endpoints& list, int count,
                             const std::vector<std::string>& hosts) {
    if (!list.empty()) {
      AddListedRole(name, list, hosts);
    } else if (count > 0) {
      AddRole(name)->set_count(count);
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "a job of this kind needs a list or a number of its ", name, "s; see --help"));
    }
    return absl::OkStatus();
  }

  absl::Status SetLegacyServers() {
    std::vector<Endpoints> lists = {flags_.servers, flags_.workers};
    lists.insert(lists.end(), flags_.heter_workers.begin(), flags_.heter_workers.end());
    const std::vector<std::string> hosts = HostsOf(lists);
    const int nodes = std::max(1, static_cast<int>(hosts.size()));
    SetNodes(nodes, nodes);
    MUSTER_RETURN_IF_ERROR(
        AddLegacyRole("server", flags_.servers, flags_.server_num.value_or(0), hosts));
    MUSTER_RETURN_IF_ERROR(
        AddLegacyRole("trainer", flags_.workers, flags_.worker_num.value_or(0), hosts));
    const size_t stages = std::max(flags_.heter_workers.size(), flags_.heter_worker_num.size());
    for (size_t i = 0; i < stages; ++i) {
      const Endpoints list =
          i < flags_.heter_workers.size() ? flags_.heter_workers[i] : Endpoints();
      const int count = i < flags_.heter_worker_num.size() ? flags_.heter_worker_num[i] : 0;
      const std::string name = absl::StrCat("heter-", i + 2);
      MUSTER_RETURN_IF_ERROR(AddLegacyRole(name.c_str(), list, count, hosts));
    }
    spec().set_contract(stages > 0 ? "paddle_heter" : "paddle_ps");
    if (stages == 0) spec().set_mode("legacy");
    for (const std::string& device : flags_.heter_devices) {
      spec().mutable_paddle()->add_heter_devices(device);
    }
    if (flags_.http_port.has_value()) spec().mutable_paddle()->set_gloo_port(*flags_.http_port);
    // The roles that work on devices: the last stage, or the trainers.
    const bool fits = wish_.devices > 0;
    v1::RoleSpec* const role = spec().mutable_roles(spec().roles_size() - 1);
    const int per_node = role->per_node() > 0 ? role->per_node() : role->count();
    if (fits && per_node <= wish_.devices) SetDevices(wish_, 1, role->mutable_devices_per_rank());
    return absl::OkStatus();
  }

  absl::Status SetIpu() {
    int exit_code = 0;
    MUSTER_ASSIGN_OR_RETURN(const PaddleIpuJob ipu,
                            ReadIpuJob(settings_, call_.program, &exit_code));
    spec().set_contract("paddle_ipu");
    SetNodes(1, 1);
    spec().clear_command();
    for (const std::string& word : ipu.command) spec().add_command(word);
    if (ipu.command.size() > 1) spec().set_name(JobNameFrom(BaseName(ipu.command[1])));
    v1::PaddleOptions* const options = spec().mutable_paddle();
    options->set_ipu_devices(ipu.devices);
    for (const std::string& host : ipu.hosts) options->add_ipu_hosts(host);
    options->set_ipu_nproc_per_host(ipu.nproc_per_host);
    options->set_ipus_per_replica(ipu.ipus_per_replica);
    options->set_ipu_partition(ipu.partition);
    options->set_vipu_server(ipu.vipu_server);
    return absl::OkStatus();
  }

  void AddNotes() {
    const auto unused = [this](bool given, absl::string_view flag, absl::string_view why) {
      if (given) job_.notes.push_back(absl::StrCat(flag, " is not used: ", why));
    };
    unused(!flags_.master.empty(), "--master", "the scheduler brings the nodes together");
    unused(flags_.rank >= 0, "--rank", "the nodes are numbered where the job is placed");
    unused(!flags_.host.empty(), "--host", "the agents know their addresses");
    const bool listed = !flags_.servers.empty() || !flags_.workers.empty() || !flags_.ips.empty();
    const bool elastic = ChoosePaddleMode(flags_) == PaddleMode::kElastic;
    unused(flags_.elastic_level >= 1 && !elastic, "--elastic_level",
           "only jobs with an etcd master start again; restart.max_restarts does it for all");
    if (spec().restart().max_restarts() > 0) {
      job_.notes.push_back(absl::StrCat("--elastic_level=", flags_.elastic_level,
                                        ": a failed run starts again up to ", flags_.max_restart,
                                        " times, on the nodes that are there"));
    }
    unused(listed, "each address in a list",
           "the scheduler chooses as many hosts; addresses and ports are theirs");
    if (wish_.devices == 0 && spec().contract() == "paddle_collective") {
      job_.notes.push_back("no device is asked for: --devices says how many a node needs");
    }
  }

  const FrontendCall& call_;
  const PaddleFlags& flags_;
  const Wish wish_;
  PodSettings settings_;
  FrontendJob job_;
};

}  // namespace

absl::StatusOr<FrontendJob> PaddleToJob(const FrontendCall& call) {
  const PaddleCommandLine line = ReadPaddleCommandLine(call);
  if (line.refusal.has_value() && line.exit_code == 0) {
    FrontendJob help;
    help.help = line.refusal;
    return help;
  }
  if (line.refusal.has_value()) {
    return absl::InvalidArgumentError(absl::StripTrailingAsciiWhitespace(*line.refusal));
  }
  MUSTER_ASSIGN_OR_RETURN(FrontendJob job, JobMaker(call, line.flags).Make());
  job.notes.insert(job.notes.begin(), line.warnings.begin(), line.warnings.end());
  return job;
}

}  // namespace muster

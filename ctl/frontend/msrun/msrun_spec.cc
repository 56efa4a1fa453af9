#include "ctl/frontend/msrun/msrun_spec.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_names.h"
#include "ctl/frontend/msrun/flags.h"
#include "ctl/frontend/msrun/plan.h"

namespace muster {
namespace {

constexpr char kModule[] = "mindspore.parallel.cluster.run";

bool IsPython(const std::string& program) {
  const std::string name = BaseName(program);
  if (!absl::StartsWith(name, "python")) return false;
  return name.find_first_not_of("0123456789.", 6) == std::string::npos;
}

// Workers on each host: `local` on every one, or, when that does not divide the whole, as the
// scheduler places them.
void SetShape(const MsrunFlags& flags, v1::JobSpec* spec) {
  const int local = std::max(flags.local_worker_num, 1);
  const int hosts = (flags.worker_num + local - 1) / local;
  spec->mutable_nodes()->set_min(hosts);
  spec->mutable_nodes()->set_max(hosts);
  v1::RoleSpec* const workers = spec->add_roles();
  workers->set_name("worker");
  if (flags.worker_num % local == 0) {
    workers->set_per_node(local);
  } else {
    workers->set_count(flags.worker_num);
  }
}

void SetOptions(const MsrunFlags& flags, const FrontendCall& call, v1::MindSporeOptions* options) {
  if (flags.port_given) options->set_sched_port(flags.master_port);
  options->mutable_cluster_timeout()->set_seconds(std::max(flags.cluster_time_out, 0));
  if (!flags.rank_table_file.empty()) {
    options->set_rank_table_file(JoinPath(call.current_dir, flags.rank_table_file));
  }
  options->set_worker_log_name(flags.worker_log_name);
  if (!flags.sim_level) return;
  options->set_sim_level(*flags.sim_level);
  if (flags.sim_rank_id == -1) return;
  options->set_sim_rank_id(flags.sim_rank_id);
  options->set_sim_worker_num(flags.worker_num);
}

// The script: behind python or pytest its first argument that is no option.
std::string ScriptOf(const MsrunFlags& flags) {
  if (!IsPython(flags.task_script) && flags.task_script != "pytest") return flags.task_script;
  for (const std::string& word : flags.task_script_args) {
    if (!absl::StartsWith(word, "-")) return word;
  }
  return flags.task_script;
}

void AddNotes(const MsrunFlags& flags, std::vector<std::string>* notes) {
  if (!flags.join) {
    notes->push_back("msrun itself would not wait without --join=True; msctl run always does");
  }
  if (flags.node_rank >= 0) {
    notes->push_back("--node_rank is not used: the hosts are numbered where the job is placed");
  }
  if (flags.address_given) {
    notes->push_back("--master_addr is not used: the scheduler process runs where it is placed");
  }
  if (flags.bind_core.kind == BindCore::Kind::kByHand) {
    notes->push_back(
        "--bind_core: the CPUs of each device are chosen on each host (bind: core), not by hand");
  }
}

}  // namespace

std::optional<std::vector<std::string>> MatchMsrun(const std::vector<std::string>& command) {
  if (command.empty()) return std::nullopt;
  if (BaseName(command[0]) == "msrun") {
    return std::vector<std::string>(command.begin() + 1, command.end());
  }
  if (!IsPython(command[0])) return std::nullopt;
  size_t i = 1;
  // Python's own options that take no value: -u, -O, -B, …
  while (i < command.size() && command[i].size() > 1 && command[i][0] == '-' &&
         command[i].find_first_of("mcWX-", 1) == std::string::npos) {
    ++i;
  }
  if (i + 1 >= command.size() || command[i] != "-m" || command[i + 1] != kModule) {
    return std::nullopt;
  }
  return std::vector<std::string>(command.begin() + static_cast<ptrdiff_t>(i) + 2, command.end());
}

absl::StatusOr<FrontendJob> MsrunToJob(const FrontendCall& call) {
  const MsrunParse parse = ParseMsrun(call.words);
  if (parse.usage_error) return absl::InvalidArgumentError(*parse.usage_error);
  FrontendJob job;
  job.help = parse.help;
  if (job.help) return job;
  const MsrunFlags& flags = parse.flags;
  MUSTER_RETURN_IF_ERROR(CheckMsrunFlags(flags));
  if (flags.local_worker_num > flags.worker_num && flags.sim_rank_id == -1) {
    return absl::InvalidArgumentError(
        absl::StrCat("ValueError: Total worker number is ", flags.worker_num,
                     ", but got exceeded local worker number: ", flags.local_worker_num, "."));
  }
  job.spec.set_name(JobNameFrom(BaseName(ScriptOf(flags))));
  job.spec.set_contract("mindspore");
  for (const std::string& word : MsrunCommand(flags)) job.spec.add_command(word);
  job.spec.set_workdir(call.current_dir);
  SetShape(flags, &job.spec);
  SetOptions(flags, call, job.spec.mutable_mindspore());
  if (flags.bind_core.kind != BindCore::Kind::kOff) job.spec.set_bind(v1::CORE_BINDING_CORE);
  job.spec.mutable_logs()->set_dir(flags.log_dir.empty() ? "." : flags.log_dir);
  AddNotes(flags, &job.notes);
  job.shown_ranks = ParseTail(flags.tail_worker_log).ranks;
  return job;
}

}  // namespace muster

#include "ctl/frontend/msrun/plan.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/frontend/argparse/python_text.h"
#include "launch/mindspore_env.h"

namespace muster {
namespace {

constexpr int kMaxPort = 65535;
constexpr int kFirstUserPort = 1024;
constexpr int kMaxLocalWorkers = 10000;  // A typing error: no host has as many devices.
constexpr int kMaxDryRunWorkers = 128;   // More would bring the host down.

// msrun's flags after what a dry run changes of them.
class Planner {
 public:
  Planner(const MsrunFlags& flags, const MsrunHost& host) : flags_(flags), host_(host) {}

  absl::StatusOr<MsrunPlan> Run() {
    local_workers_ = flags_.local_worker_num;
    sim_rank_ = flags_.sim_rank_id;
    MUSTER_RETURN_IF_ERROR(SetUpSimulation());
    MUSTER_RETURN_IF_ERROR(CheckCounts());
    WarnOfPorts();
    if (!flags_.rank_table_file.empty()) {
      Warn("msrun launching distributed job with user configured rank table file path:",
           flags_.rank_table_file);
    }
    WarnOfRecovery();
    MUSTER_RETURN_IF_ERROR(BindWorkers());
    plan_.whole_job_here = local_workers_ == flags_.worker_num;
    if (!simulation_ && host_.addresses.count(host_.master_ip) > 0) PlanScheduler();
    WarnOfRanks();
    const TailChoice tail = ParseTail(flags_.tail_worker_log);
    for (int i = 0; i < local_workers_; ++i) PlanWorker(i, tail);
    WarnOfLeftovers();
    return std::move(plan_);
  }

 private:
  template <typename... Parts>
  void Warn(const Parts&... parts) {
    plan_.warnings.push_back(absl::StrCat(parts...));
  }
  std::string CallersValue(const std::string& name) const {
    const auto found = host_.env.find(name);
    return found == host_.env.end() ? "" : found->second;
  }

  absl::Status SetUpSimulation() {
    simulation_ = flags_.sim_level.has_value();
    if (!simulation_ && !CallersValue("MS_SIMULATION_LEVEL").empty()) {
      simulation_ = true;
      const auto rank = host_.env.find("RANK_ID");
      const std::string text = rank == host_.env.end() ? "-1" : rank->second;
      const std::optional<std::string> digits = PyInt(text);
      if (!digits) {
        return absl::InvalidArgumentError(
            absl::StrCat("ValueError: invalid literal for int() with base 10: ", PyRepr(text),
                         " (RANK_ID, with MS_SIMULATION_LEVEL)"));
      }
      sim_rank_ = ClampToInt(*digits);
      rank_size_ = CallersValue("RANK_SIZE");
    }
    if (!simulation_) return absl::OkStatus();
    if (sim_rank_ != -1) local_workers_ = 1;
    if (local_workers_ > kMaxDryRunWorkers) {
      local_workers_ = 1;
      sim_rank_ = 0;
      Warn(
          "In dryrun case, local worker num is set to larger than 128. To avoid a system clash, "
          "local worker num is set to 1.");
    }
    return absl::OkStatus();
  }

  absl::Status CheckCounts() const {
    if (local_workers_ > kMaxLocalWorkers) {
      return absl::InvalidArgumentError(
          absl::StrCat("ValueError: local_worker_num must be at most ", kMaxLocalWorkers,
                       " (workers of one host), but got ", local_workers_, "."));
    }
    if (local_workers_ <= flags_.worker_num) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("ValueError: Total worker number is ", flags_.worker_num,
                     ", but got exceeded local worker number: ", local_workers_, "."));
  }

  void WarnOfPorts() {
    if (simulation_ || flags_.master_port >= kFirstUserPort) return;
    Warn("'--master_port' is ", flags_.master_port, "; ports below ", kFirstUserPort,
         " are the system's: 1024 to 65535 are meant for this.");
  }

  // What MindCluster's taskd would do with these; here nothing is started again.
  void WarnOfRecovery() {
    const std::string wanted = CallersValue("MS_ENABLE_TFT");
    for (const char* feature : {"TTP:1", "UCE:1", "ARF:1", "TSP:1", "HCCE:1"}) {
      if (!absl::StrContains(wanted, feature)) continue;
      Warn("mindx is not installed, using original mindspore recovery strategy.: MS_ENABLE_TFT=",
           wanted, " needs the package taskd.");
      return;
    }
  }

  absl::Status BindWorkers() {
    CpuAssignment assignment = AssignCpus(flags_.bind_core, host_.cpus, local_workers_);
    if (!assignment.error.empty()) return absl::InvalidArgumentError(assignment.error);
    for (std::string& warning : assignment.warnings) plan_.warnings.push_back(std::move(warning));
    cpus_ = std::move(assignment.cpus);
    return absl::OkStatus();
  }

  void WarnOfRanks() {
    const bool whole = local_workers_ == flags_.worker_num;
    std::vector<std::string>& warnings = plan_.worker_warnings;
    if (whole && flags_.node_rank != 0 && flags_.node_rank != -1) {
      warnings.push_back(absl::StrCat("All workers will be spawned on this node, so 'node_rank': [",
                                      flags_.node_rank, "] will be ignored."));
    }
    if (!whole && flags_.node_rank == -1) {
      warnings.push_back(
          "You are running distributed job with multiple nodes but not setting '--node_rank'. So "
          "'rank_id' of each process will be assigned after cluster is successfully built.\nYou "
          "can access 'RANK_ID' environment variable after calling "
          "'mindspore.communication.init()'");
    }
    if (!whole && flags_.node_rank >= 0 && local_workers_ > 0 && !simulation_) {
      const int64_t last = (int64_t{flags_.node_rank} + 1) * local_workers_ - 1;
      if (last >= flags_.worker_num) {
        warnings.push_back(absl::StrCat("With '--node_rank=", flags_.node_rank, "' and ",
                                        local_workers_, " workers here the last rank is ", last,
                                        ", but there are only ", flags_.worker_num,
                                        " workers: the scheduler will reject it."));
      }
    }
  }

  MindSporeProcess Facts() const {
    MindSporeProcess process;
    process.worker_num = flags_.worker_num;
    process.sched_host = host_.master_ip;
    process.sched_port = flags_.master_port;
    process.topo_timeout_s = flags_.cluster_time_out;
    process.rank_table_file = flags_.rank_table_file;
    process.sim_level = flags_.sim_level;
    process.simulation = simulation_;
    return process;
  }

  ProcessSpec Spec(const MindSporeProcess& process, std::string name, const std::string& log) {
    ProcessSpec spec;
    spec.name = std::move(name);
    spec.argv = MsrunCommand(flags_);
    spec.env = host_.env;
    for (const std::string& leftover : MindSporeLeftovers(process)) {
      if (spec.env.erase(leftover) > 0) leftovers_.insert(leftover);
    }
    for (const auto& [variable, value] : MindSporeEnv(process)) spec.env[variable] = value;
    if (!rank_size_.empty()) spec.env["RANK_SIZE"] = rank_size_;
    spec.out_path = flags_.log_dir.empty() ? log : JoinPath(flags_.log_dir, log);
    spec.err_path = spec.out_path;
    return spec;
  }

  void PlanScheduler() {
    MindSporeProcess process = Facts();
    process.role = MindSporeRole::kScheduler;
    plan_.scheduler.emplace();
    plan_.scheduler->spec = Spec(process, "scheduler", "scheduler.log");
    plan_.scheduler->spec.new_session = false;
  }

  // The rank of local worker `i`, where msrun gives it out.
  std::optional<int> RankOf(int i) const {
    if (local_workers_ == flags_.worker_num) return i;
    if (flags_.node_rank >= 0) return flags_.node_rank * local_workers_ + i;
    return std::nullopt;
  }

  std::string LogName(int number) const {
    const std::string name =
        flags_.worker_log_name.empty()
            ? "worker"
            : absl::StrReplaceAll(flags_.worker_log_name,
                                  {{"{ip}", host_.source_ip}, {"{hostname}", host_.hostname}});
    return absl::StrCat(name, "_", number, ".log");
  }

  void PlanWorker(int i, const TailChoice& tail) {
    MsrunProcess worker;
    worker.rank = RankOf(i);
    MindSporeProcess process = Facts();
    process.rank = worker.rank;
    if (worker.rank) process.node_id = absl::StrCat(*worker.rank);
    process.device_id = i;
    if (simulation_ && sim_rank_ != -1) process.rank = sim_rank_;
    worker.spec = Spec(process, absl::StrCat("worker ", worker.rank.value_or(i)),
                       LogName(worker.rank.value_or(i)));
    worker.spec.cpus = cpus_[static_cast<size_t>(i)];
    if (flags_.bind_core.kind == BindCore::Kind::kAutomatic && !worker.spec.cpus.empty()) {
      worker.spec.env["MSRUN_CPU_LIST"] = PythonList(worker.spec.cpus);
    }
    if (worker.rank) {
      worker.console_line = absl::StrCat(
          "Start worker process with rank id:", *worker.rank, ", log file:", worker.spec.out_path,
          ". Environment variable [RANK_ID=", *worker.rank, "] is exported.\n");
    } else {
      worker.warnings.push_back(
          "Rank ids will be assigned automatically, please use 'grep -rn 'rank id:' command to "
          "check each worker log's rank id.");
    }
    if (simulation_ && sim_rank_ != -1) {
      worker.warnings.push_back(
          absl::StrCat("In dryrun case, RANK_ID is assigned to ", sim_rank_, "."));
    }
    ChooseTail(tail, &worker);
    plan_.workers.push_back(std::move(worker));
  }

  void ChooseTail(const TailChoice& tail, MsrunProcess* worker) const {
    worker->shown = !tail.ranks || (worker->rank && std::count(tail.ranks->begin(),
                                                               tail.ranks->end(), *worker->rank));
    if (worker->shown || !flags_.join) return;
    const std::string who = worker->rank ? absl::StrCat(*worker->rank) : "None";
    worker->warnings.push_back(
        absl::StrCat("The '--tail_worker_log' is:", flags_.tail_worker_log,
                     ", which doesn't contain this worker ", who, ". So this worker ", who,
                     "'s log will not be output to console. Reset "
                     "'--tail_worker_log', if you want to output this worker's log to console."));
  }

  void WarnOfLeftovers() {
    if (leftovers_.empty()) return;
    Warn(absl::StrJoin(leftovers_, ", "),
         " of the caller's environment not passed on: left by another launcher, and msrun itself "
         "does not set it for every process here.");
  }

  const MsrunFlags& flags_;
  const MsrunHost& host_;
  MsrunPlan plan_;
  int local_workers_ = 0;
  bool simulation_ = false;
  int sim_rank_ = -1;
  std::string rank_size_;  // The caller's own, in a dry run that its environment asks for.
  std::vector<std::vector<int>> cpus_;
  std::set<std::string> leftovers_;
};

}  // namespace

absl::Status CheckMsrunFlags(const MsrunFlags& flags) {
  if (flags.worker_num <= 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "ValueError: worker_num must be greater than 0, but got ", flags.worker_num, "."));
  }
  if (flags.local_worker_num < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("ValueError: local_worker_num must be 0 or greater, but got ",
                     flags.local_worker_num, "."));
  }
  if (flags.master_port < 1 || flags.master_port > kMaxPort) {
    return absl::InvalidArgumentError(absl::StrCat(
        "ValueError: master_port must be from 1 to 65535, but got ", flags.master_port, "."));
  }
  const int64_t last = (int64_t{flags.node_rank} + 1) * flags.local_worker_num;
  if (last > INT32_MAX) {
    return absl::InvalidArgumentError(absl::StrCat(
        "ValueError: node_rank must be the index of this host, but got ", flags.node_rank, "."));
  }
  const TailChoice tail = ParseTail(flags.tail_worker_log);
  if (flags.join && !tail.error.empty()) return absl::InvalidArgumentError(tail.error);
  return absl::OkStatus();
}

absl::StatusOr<MsrunPlan> PlanMsrun(const MsrunFlags& flags, const MsrunHost& host) {
  MUSTER_RETURN_IF_ERROR(CheckMsrunFlags(flags));
  return Planner(flags, host).Run();
}

}  // namespace muster

#include "ctl/frontend/torchrun/cluster_job.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/job_names.h"
#include "ctl/frontend/torchrun/host_facts.h"
#include "ctl/frontend/torchrun/options.h"
#include "ctl/frontend/torchrun/worker_plan.h"

namespace muster {
namespace {

// torchrun's budget of restarts is for the whole job, however long it runs; ours has a window.
constexpr int64_t kWholeJobSeconds = int64_t{10} * 365 * 24 * 3600;
constexpr int64_t kStopGraceSeconds = 30;  // As torchrun's, from SIGTERM to SIGKILL.

absl::Status Wrong(const std::string& text) { return absl::InvalidArgumentError(text); }

// A word for sh: in single quotes, with kRankMark as the rank's own number.
constexpr char kRankMark[] = "\001";
std::string Quoted(const std::string& word) {
  return absl::StrCat(
      "'", absl::StrReplaceAll(word, {{"'", "'\\''"}, {kRankMark, "'\"$LOCAL_RANK\"'"}}), "'");
}

// All ranks of a job have one command: where torchrun puts each rank's own number into it, a shell
// does.
std::vector<std::string> JobCommand(const TorchrunOptions& options, const std::string& python) {
  std::vector<std::string> words = WorkerCommand(options, python);
  bool differs = false;
  for (size_t i = 1; i < words.size(); ++i) {
    words[i] = SubstituteLocalRank(words[i], kRankMark);
    differs = differs || words[i].find(kRankMark) != std::string::npos;
  }
  if (!differs) return words;
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(Quoted(word));
  return {"sh", "-c", "exec " + absl::StrJoin(quoted, " ")};
}

// The agents choose what these say.
void NoteUnused(const TorchrunOptions& options, std::vector<std::string>* notes) {
  std::vector<std::string> unused;
  for (const char* flag : {"rdzv_backend", "rdzv_endpoint", "rdzv_conf", "standalone", "node_rank",
                           "master_addr", "master_port", "local_addr"}) {
    if (options.Given(flag)) unused.push_back(absl::StrCat("--", flag));
  }
  if (unused.empty()) return;
  notes->push_back(absl::StrCat("torchrun: ", absl::StrJoin(unused, ", "),
                                ": not needed; the agents bring the ranks together"));
}

absl::Status SetShape(const TorchrunOptions& options, const HostFacts& host, FrontendJob* job) {
  if (options.node_rank != 0) {
    return Wrong(absl::StrCat("--node_rank=", options.node_rank,
                              ": one job starts all nodes; submit it once, without --node_rank"));
  }
  v1::JobSpec* spec = &job->spec;
  spec->mutable_nodes()->set_min(options.min_nodes);
  spec->mutable_nodes()->set_max(options.standalone ? 1 : options.max_nodes);
  if (options.nproc_per_node == "gpu" && host.gpus == 0) {
    return Wrong(
        "--nproc_per_node=gpu: this host shows no NVIDIA device to count, and the agents' hosts "
        "are not known yet; a job on the agents needs a number, like --nproc_per_node=8");
  }
  MUSTER_ASSIGN_OR_RETURN(const int workers, WorkersPerNode(options.nproc_per_node, host));
  if (!absl::ascii_isdigit(static_cast<unsigned char>(options.nproc_per_node[0]))) {
    job->notes.push_back(absl::StrCat("torchrun: --nproc_per_node=", options.nproc_per_node, ": ",
                                      workers, ", as counted on this host"));
  }
  if (options.role == "default") {
    spec->set_ranks_per_node(workers);
  } else if (IsJobName(options.role)) {
    v1::RoleSpec* role = spec->add_roles();
    role->set_name(options.role);
    role->set_per_node(workers);
  } else {
    return Wrong(absl::StrCat("--role=", options.role,
                              ": a job's role has lower-case letters, digits and '-'"));
  }
  if (options.max_restarts > 0) {
    spec->mutable_restart()->set_max_restarts(options.max_restarts);
    spec->mutable_restart()->mutable_window()->set_seconds(kWholeJobSeconds);
  }
  return absl::OkStatus();
}

// What torchrun sends to files alone is not shown.
void SetOutput(const TorchrunOptions& options, int workers, const std::string& current_dir,
               FrontendJob* job) {
  if (!options.log_dir.empty()) {
    job->spec.mutable_logs()->set_dir(JoinPath(current_dir, options.log_dir));
    job->spec.mutable_logs()->set_names("attempt_{attempt}_rank_{rank}_std{stream}.log");
  }
  const int both = StdMap::kOut | StdMap::kErr;
  std::vector<int> shown;
  // An elastic job's nodes beyond the least are not known yet: their ranks would be left out.
  const int nodes = job->spec.nodes().max();
  for (int node = 0; node < nodes; ++node) {
    for (int i = 0; i < workers; ++i) {
      const bool hidden = (options.redirects.Of(i) & ~options.tee.Of(i)) == both;
      if (!hidden) shown.push_back(node * workers + i);
    }
  }
  if (static_cast<int>(shown.size()) < nodes * workers) job->shown_ranks = shown;
}

}  // namespace

absl::StatusOr<FrontendJob> TorchrunJob(const FrontendCall& call) {
  const TorchrunParse parse = ParseTorchrun(call.program, call.words, call.env);
  FrontendJob job;
  if (parse.exit_status == 0) {
    job.help = parse.text;
    return job;
  }
  if (parse.exit_status) return Wrong(std::string(absl::StripAsciiWhitespace(parse.text)));
  const TorchrunOptions& options = parse.options;
  const HostFacts host = ReadHostFacts(call.env);
  v1::JobSpec* spec = &job.spec;
  const bool named = options.Given("rdzv_id") && options.rdzv_id != "none";
  spec->set_name(JobNameFrom(named ? options.rdzv_id : BaseName(options.script)));
  spec->set_contract("torch");
  spec->set_workdir(call.current_dir);
  MUSTER_RETURN_IF_ERROR(SetShape(options, host, &job));
  // By name: where the interpreter lies is each host's own matter, and PATH goes along.
  const bool own_python = call.env.count("PYTHON_EXEC") > 0;
  for (std::string& word : JobCommand(options, own_python ? host.python : BaseName(host.python))) {
    spec->add_command(std::move(word));
  }
  spec->mutable_timeouts()->mutable_stop_grace()->set_seconds(kStopGraceSeconds);
  MUSTER_ASSIGN_OR_RETURN(const int workers, WorkersPerNode(options.nproc_per_node, host));
  SetOutput(options, workers, call.current_dir, &job);
  NoteUnused(options, &job.notes);
  return job;
}

}  // namespace muster

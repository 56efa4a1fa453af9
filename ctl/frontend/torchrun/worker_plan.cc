#include "ctl/frontend/torchrun/worker_plan.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/frontend/argparse/python_text.h"
#include "launch/torch_env.h"

namespace muster {
namespace {

// What the original does within its own interpreter: the script by runpy, under torch's `record`
// where there is torch.
constexpr char kRunPath[] =
    "import runpy, sys\n"
    "sys.argv = sys.argv[1:]\n"
    "def run():\n"
    "    runpy.run_path(sys.argv[0], run_name='__main__')\n"
    "try:\n"
    "    from torch.distributed.elastic.multiprocessing.errors import record\n"
    "    run = record(run)\n"
    "except ImportError:\n"
    "    pass\n"
    "run()\n";

// How the table of failures calls the job (torch/distributed/launcher/api.py,
// _get_entrypoint_name()).
std::string TitleOf(const TorchrunOptions& options) {
  return options.run_path ? "run_script_path" : options.script;
}

bool IsNameChar(char c, bool first) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '_' || (first ? absl::ascii_isalpha(byte) : absl::ascii_isalnum(byte));
}

}  // namespace

absl::StatusOr<int> WorkersPerNode(const std::string& text, const HostFacts& host) {
  if (text == "cpu") return host.cpus;
  if (text == "auto") return host.gpus > 0 ? host.gpus : host.cpus;
  if (text == "gpu") {
    if (host.gpus > 0) return host.gpus;
    return absl::InvalidArgumentError(
        "--nproc_per_node=gpu: Cuda is not available. This host shows no NVIDIA device");
  }
  return ClampToInt(PyInt(text).value_or("1"));
}

std::vector<std::string> WorkerCommand(const TorchrunOptions& options, const std::string& python) {
  std::vector<std::string> command;
  if (options.run_path) {
    command = {python, "-u", "-c", kRunPath};
  } else if (!options.no_python) {
    command = {python, "-u"};
    if (options.module) command.push_back("-m");
  }
  command.push_back(options.script);
  if (options.pass_local_rank) command.push_back("--local_rank=${local_rank}");
  command.insert(command.end(), options.script_args.begin(), options.script_args.end());
  return command;
}

absl::StatusOr<WorkerPlan> MakeWorkerPlan(const TorchrunOptions& options, const HostFacts& host,
                                          const std::map<std::string, std::string>& env,
                                          const std::string& run_id,
                                          const std::string& master_addr) {
  WorkerPlan plan;
  plan.command = WorkerCommand(options, host.python);
  plan.title = TitleOf(options);
  MUSTER_ASSIGN_OR_RETURN(plan.nproc, WorkersPerNode(options.nproc_per_node, host));
  plan.role = options.role;
  plan.run_id = run_id;
  plan.max_restarts = options.max_restarts;
  plan.redirects = options.redirects;
  plan.tee = options.tee;
  plan.master_addr = master_addr;
  plan.env = env;
  plan.threads_note = plan.nproc > 1 && env.count("OMP_NUM_THREADS") == 0;
  return plan;
}

WorkerFiles FilesOf(const std::string& attempt_dir, int local_rank) {
  WorkerFiles files;
  files.dir = JoinPath(attempt_dir, absl::StrCat(local_rank));
  files.out = JoinPath(files.dir, "stdout.log");
  files.err = JoinPath(files.dir, "stderr.log");
  files.error = JoinPath(files.dir, "error.json");
  return files;
}

ProcessSpec WorkerProcess(const WorkerPlan& plan, const WorldPlace& place, int local_rank,
                          const std::string& attempt_dir) {
  const WorkerFiles files = FilesOf(attempt_dir, local_rank);
  TorchRank rank;
  rank.rank = place.first_rank + local_rank;
  rank.world_size = place.world_size;
  rank.local_rank = local_rank;
  rank.local_world_size = plan.nproc;
  rank.group_rank = place.group_rank;
  rank.group_world_size = place.group_world_size;
  rank.role_name = plan.role;
  rank.role_rank = place.first_role_rank + local_rank;
  rank.role_world_size = place.role_world_size;
  rank.master_addr = place.master_addr.empty() ? plan.master_addr : place.master_addr;
  rank.master_port = place.master_port;
  rank.restart_count = place.restart_count;
  rank.max_restarts = plan.max_restarts;
  rank.run_id = plan.run_id;
  rank.error_file = files.error;
  ProcessSpec spec;
  spec.name = absl::StrCat("worker ", rank.rank);
  for (size_t i = 0; i < plan.command.size(); ++i) {
    spec.argv.push_back(i == 0 ? plan.command[i]
                               : SubstituteLocalRank(plan.command[i], absl::StrCat(local_rank)));
  }
  spec.env = plan.env;
  for (const auto& [name, value] : TorchEnvDefaults(rank)) spec.env.emplace(name, value);
  // Torch 1.13's launcher alone sets it, for torch's own process groups.
  spec.env.emplace("NCCL_ASYNC_ERROR_HANDLING", "1");
  for (const auto& [name, value] : TorchEnv(rank)) spec.env[name] = value;
  const int files_of = plan.redirects.Of(local_rank) | plan.tee.Of(local_rank);
  if ((files_of & StdMap::kOut) != 0) spec.out_path = files.out;
  if ((files_of & StdMap::kErr) != 0) spec.err_path = files.err;
  // A round that began because a node joined has the same number: its lines follow.
  spec.append = true;
  return spec;
}

std::string SubstituteLocalRank(const std::string& text, const std::string& local_rank) {
  static constexpr absl::string_view kName = "local_rank";
  std::string result;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$' || i + 1 == text.size()) {
      result.push_back(text[i++]);
      continue;
    }
    const absl::string_view rest = absl::string_view(text).substr(i + 1);
    if (rest[0] == '$') {
      result.push_back('$');
      i += 2;
    } else if (absl::StartsWith(rest, "{local_rank}")) {
      absl::StrAppend(&result, local_rank);
      i += kName.size() + 3;
    } else if (absl::StartsWith(rest, kName) &&
               (rest.size() == kName.size() || !IsNameChar(rest[kName.size()], false))) {
      absl::StrAppend(&result, local_rank);
      i += kName.size() + 1;
    } else {
      result.push_back('$');
      ++i;
    }
  }
  return result;
}

}  // namespace muster

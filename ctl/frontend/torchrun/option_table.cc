#include "ctl/frontend/torchrun/option_table.h"

#include <string>
#include <utility>

#include "absl/strings/str_replace.h"

namespace muster {
namespace {

using Type = ArgSpec::Type;

ArgSpec Option(const std::string& name, Type type, const std::string& help) {
  ArgSpec spec;
  spec.names = {"--" + name};
  const std::string dashed = absl::StrReplaceAll(name, {{"_", "-"}});
  if (dashed != name) spec.names.push_back("--" + dashed);
  spec.type = type;
  spec.help = help;
  return spec;
}

ArgSpec Short(const std::string& short_name, ArgSpec spec) {
  spec.names.insert(spec.names.begin(), short_name);
  return spec;
}

ArgSpec Choice(ArgSpec spec, std::vector<std::string> choices) {
  spec.choices = std::move(choices);
  return spec;
}

std::vector<ArgSpec> Make() {
  return {
      Option("nnodes", Type::kString, "number of nodes, or MIN:MAX"),
      Option("nproc_per_node", Type::kString, "workers on each node: a number, auto, cpu or gpu"),
      Option("rdzv_backend", Type::kString, "how nodes find each other: static or c10d"),
      Option("rdzv_endpoint", Type::kString, "HOST:PORT where they meet"),
      Option("rdzv_id", Type::kString, "name of this job, the same on every node"),
      Option("rdzv_conf", Type::kString,
             "KEY=VALUE,…: join_timeout, last_call_timeout, timeout (seconds), is_host"),
      Option("standalone", Type::kStoreTrue, "one node, with nothing to agree on"),
      Option("max_restarts", Type::kInt, "how often the workers start again after a failure"),
      Option("monitor_interval", Type::kFloat, "accepted; the end of a worker is seen at once"),
      Choice(Option("start_method", Type::kString, "accepted; workers are programs of their own"),
             {"spawn", "fork", "forkserver"}),
      Option("role", Type::kString, "the workers' role"),
      Short("-m", Option("module", Type::kStoreTrue, "the script is a Python module")),
      Option("no_python", Type::kStoreTrue, "the script is a program of its own"),
      Option("run_path", Type::kStoreTrue, "runs the script by runpy.run_path"),
      Option("log_dir", Type::kString, "where the directory of this run's logs is made"),
      Short("-r", Option("redirects", Type::kString,
                         "streams that go to files: 0, 1 (stdout), 2 (stderr), 3, or 0:3,1:1")),
      Short("-t", Option("tee", Type::kString, "the same, and to the console too")),
      Option("node_rank", Type::kInt, "rank of this node"),
      Option("master_addr", Type::kString, "address of node 0"),
      Option("master_port", Type::kInt, "port on node 0"),
      Option("local_addr", Type::kString, "address by which the other nodes reach this one"),
      Option("use_env", Type::kStoreTrue, "accepted: the local rank is in LOCAL_RANK"),
      Option("pass_local_rank", Type::kStoreTrue,
             "also passes --local_rank=N to the script, as torch.distributed.launch does"),
  };
}

}  // namespace

const std::vector<ArgSpec>& TorchrunOptionTable() {
  static const auto* const kTable = new std::vector<ArgSpec>(Make());
  return *kTable;
}

ArgHelp TorchrunHelp() {
  return {
      "Starts and watches the workers of a PyTorch job on this host, without any daemon. Scripts "
      "run "
      "with the first python3 or python of PATH, or with the one that PYTHON_EXEC names.",
      {"the script, or with -m a module, or with --no_python a program", "what it is called with"}};
}

}  // namespace muster

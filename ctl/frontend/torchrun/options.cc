#include "ctl/frontend/torchrun/options.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "ctl/frontend/argparse/arg_parser.h"
#include "ctl/frontend/argparse/python_text.h"
#include "ctl/frontend/torchrun/option_table.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;
using Type = ArgSpec::Type;

absl::Status Wrong(const std::string& text) { return absl::InvalidArgumentError(text); }

// PET_<NAME> stands for what the command line leaves out. A string default goes through the
// option's type, as argparse does it; the returned text is argparse's complaint.
std::optional<std::string> TakeEnv(const Env& env, ParsedArgs* args) {
  for (const ArgSpec& spec : TorchrunOptionTable()) {
    const std::string key = KeyOf(spec);
    const auto found = env.find("PET_" + absl::AsciiStrToUpper(key));
    if (found == env.end() || args->Has(key)) continue;
    const std::string& text = found->second;
    if (spec.type == Type::kStoreTrue) {
      const std::optional<std::string> number = PyInt(text);
      if (!number) return absl::StrCat(found->first, ": '", text, "' is neither 0 nor 1");
      if (ClampToInt(*number) != 0) args->values[key] = "true";
      continue;
    }
    const bool is_int = spec.type == Type::kInt;
    if ((is_int && !PyInt(text)) || (spec.type == Type::kFloat && !PyFloat(text))) {
      return absl::StrCat("argument ", spec.names.front(), ": invalid ", is_int ? "int" : "float",
                          " value: ", PyRepr(text));
    }
    args->values[key] = is_int ? *PyInt(text) : text;
  }
  return std::nullopt;
}

absl::Status TakeNodes(const std::string& text, TorchrunOptions* options) {
  const std::vector<std::string> ends = absl::StrSplit(text, ':');
  const std::optional<std::string> min = PyInt(ends.front());
  const std::optional<std::string> max = PyInt(ends.back());
  if (ends.size() > 2 || !min || !max) {
    return Wrong(absl::StrCat("nnodes=", text, " is not in \"MIN:MAX\" format"));
  }
  options->min_nodes = ClampToInt(*min);
  options->max_nodes = ClampToInt(*max);
  if (options->min_nodes < 1 || options->max_nodes < options->min_nodes) {
    return Wrong(absl::StrCat("--nnodes=", text,
                              ": there must be at least one node, and MAX must "
                              "not be below MIN"));
  }
  if (options->max_nodes > kMaxNodes) {
    return Wrong(absl::StrCat("--nnodes=", text, ": at most ", kMaxNodes));
  }
  return absl::OkStatus();
}

// torch/distributed/elastic/rendezvous/utils.py, _parse_rendezvous_config().
absl::Status TakeConf(const std::string& text, Env* conf) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  if (trimmed.empty()) return absl::OkStatus();
  for (const absl::string_view item : absl::StrSplit(trimmed, ',')) {
    std::pair<std::string, std::string> halves = absl::StrSplit(item, absl::MaxSplits('=', 1));
    absl::StripAsciiWhitespace(&halves.first);
    absl::StripAsciiWhitespace(&halves.second);
    if (halves.first.empty()) {
      return Wrong(
          "The rendezvous configuration string must be in format "
          "<key1>=<value1>,...,<keyN>=<valueN>.");
    }
    if (halves.second.empty()) {
      return Wrong(absl::StrCat("The rendezvous configuration option '", halves.first,
                                "' must have a value specified."));
    }
    (*conf)[halves.first] = halves.second;
  }
  return absl::OkStatus();
}

absl::Status TakeStreams(const std::string& flag, const std::string& text, StdMap* map) {
  const std::optional<StdMap> parsed = StdMap::Parse(text);
  if (!parsed) return Wrong(absl::StrCat("--", flag, ": ", StdMapFault(text)));
  *map = *parsed;
  return absl::OkStatus();
}

absl::Status CheckNproc(const std::string& text) {
  if (text == "auto" || text == "cpu" || text == "gpu") return absl::OkStatus();
  const std::optional<std::string> number = PyInt(text);
  if (!number) return Wrong(absl::StrCat("Unsupported nproc_per_node value: ", text));
  if (ClampToInt(*number) < 1) {
    return Wrong(absl::StrCat("--nproc_per_node=", text, ": a node needs at least one worker"));
  }
  if (ClampToInt(*number) > kMaxWorkersPerNode) {
    return Wrong(absl::StrCat("--nproc_per_node=", text, ": at most ", kMaxWorkersPerNode));
  }
  return absl::OkStatus();
}

absl::Status CheckTogether(const TorchrunOptions& options) {
  if (options.max_restarts < 0) {
    return Wrong(absl::StrCat("--max_restarts=", options.max_restarts, ": must not be negative"));
  }
  if (options.no_python && options.module && !options.run_path) {
    return Wrong("Don't use both the '--no_python' flag and the '--module' flag at the same time.");
  }
  if (options.standalone && options.min_nodes > 1) {
    return Wrong(absl::StrCat("--standalone: is one node, and --nnodes asks for ",
                              options.min_nodes, "; leave one of them out"));
  }
  return absl::OkStatus();
}

absl::Status Take(const ParsedArgs& args, TorchrunOptions* options) {
  MUSTER_RETURN_IF_ERROR(TakeNodes(args.Get("nnodes", "1:1"), options));
  options->nproc_per_node = args.Get("nproc_per_node", "1");
  MUSTER_RETURN_IF_ERROR(CheckNproc(options->nproc_per_node));
  options->rdzv_backend = args.Get("rdzv_backend", "static");
  options->rdzv_endpoint = std::string(absl::StripAsciiWhitespace(args.Get("rdzv_endpoint")));
  options->rdzv_id = args.Get("rdzv_id", "none");
  MUSTER_RETURN_IF_ERROR(TakeConf(args.Get("rdzv_conf"), &options->rdzv_conf));
  options->standalone = args.Has("standalone");
  options->max_restarts = args.GetInt("max_restarts", 0);
  options->role = args.Get("role", "default");
  options->module = args.Has("module");
  options->no_python = args.Has("no_python");
  options->run_path = args.Has("run_path");
  options->log_dir = args.Get("log_dir");
  MUSTER_RETURN_IF_ERROR(TakeStreams("redirects", args.Get("redirects", "0"), &options->redirects));
  MUSTER_RETURN_IF_ERROR(TakeStreams("tee", args.Get("tee", "0"), &options->tee));
  options->node_rank = args.GetInt("node_rank", 0);
  options->master_addr = args.Get("master_addr", "127.0.0.1");
  if (args.Has("master_port")) options->master_port = args.GetInt("master_port", 0);
  options->local_addr = args.Get("local_addr");
  options->pass_local_rank = args.Has("pass_local_rank") && !args.Has("use_env");
  for (const auto& [key, value] : args.values) options->given.push_back(key);
  options->script = args.rest.front();
  options->script_args.assign(args.rest.begin() + 1, args.rest.end());
  return CheckTogether(*options);
}

}  // namespace

bool TorchrunOptions::Given(const std::string& key) const {
  return std::binary_search(given.begin(), given.end(), key);
}

TorchrunParse ParseTorchrun(const std::string& prog, const std::vector<std::string>& words,
                            const Env& env) {
  TorchrunParse parse;
  const ArgParser parser(prog, {"training_script", "training_script_args"}, TorchrunOptionTable(),
                         TorchrunHelp());
  ArgParser::Result result = parser.Parse(words, /*known_only=*/false);
  if (result.args.help) {
    parse.exit_status = 0;
    parse.text = parser.Help();
    return parse;
  }
  if (!result.error) {
    if (const std::optional<std::string> wrong = TakeEnv(env, &result.args)) {
      result.error = parser.ErrorText(*wrong);
    }
  }
  if (result.error) {
    parse.exit_status = 2;
    parse.text = *result.error;
    return parse;
  }
  const absl::Status status = Take(result.args, &parse.options);
  if (!status.ok()) {
    parse.exit_status = 1;
    parse.text = absl::StrCat(prog, ": ", std::string(status.message()), "\n");
  }
  return parse;
}

}  // namespace muster

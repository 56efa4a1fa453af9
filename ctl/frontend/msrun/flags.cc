#include "ctl/frontend/msrun/flags.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ctl/frontend/argparse/arg_parser.h"
#include "ctl/frontend/argparse/python_text.h"

namespace muster {
namespace {

using Type = ArgSpec::Type;

// What ast.literal_eval() makes of `text`, as far as one looks for a truth value: its repr and its
// value as a number; absent where it raises.
struct Literal {
  std::string repr;
  std::optional<double> number;
};

std::optional<Literal> LiteralEval(const std::string& text) {
  const std::string plain = std::string(absl::StripAsciiWhitespace(text));
  if (plain == "True") return Literal{plain, 1};
  if (plain == "False") return Literal{plain, 0};
  if (plain == "None") return Literal{plain, std::nullopt};
  if (const std::optional<std::string> digits = PyInt(plain)) {
    return Literal{*digits, *PyFloat(*digits)};
  }
  const bool number = !plain.empty() && absl::StrContains("+-.0123456789", plain.substr(0, 1));
  if (const std::optional<double> value = PyFloat(plain); value && number) {
    return Literal{plain, value};
  }
  const char first = plain.empty() ? ' ' : plain[0];
  const char last = plain.empty() ? ' ' : plain.back();
  const bool quoted = plain.size() > 1 && first == last && (first == '\'' || first == '"');
  if (quoted) return Literal{PyRepr(plain.substr(1, plain.size() - 2)), std::nullopt};
  const bool container = (first == '[' && last == ']') || (first == '{' && last == '}') ||
                         (first == '(' && last == ')');
  return container ? std::optional<Literal>(Literal{plain, std::nullopt}) : std::nullopt;
}

std::optional<std::string> CheckJoin(const std::string& text) {
  const std::optional<Literal> literal = LiteralEval(text);
  if (!literal) return "invalid literal_eval value: " + PyRepr(text);
  if (literal->number == 0.0 || literal->number == 1.0) return std::nullopt;
  return absl::StrCat("invalid choice: ", literal->repr, " (choose from True, False)");
}

std::optional<std::string> CheckBindCore(const std::string& text) {
  std::string error = ParseBindCore(text).error;
  return error.empty() ? std::nullopt : std::optional<std::string>(std::move(error));
}

ArgSpec Option(std::string name, Type type, std::string help) {
  ArgSpec spec;
  spec.names = {std::move(name)};
  spec.type = type;
  spec.help = std::move(help);
  return spec;
}

std::vector<ArgSpec> Options() {
  std::vector<ArgSpec> options = {
      Option("--worker_num", Type::kInt, "workers of the whole job (default: 8)"),
      Option("--local_worker_num", Type::kInt, "workers on this host (default: 8)"),
      Option("--master_addr", Type::kString,
             "IPv4 address or name of the scheduler's host (default: 127.0.0.1)"),
      Option("--master_port", Type::kInt, "port of the scheduler (default: 8118)"),
      Option("--node_rank", Type::kInt,
             "index of this host; without it the scheduler gives out the ranks (default: -1)"),
      Option("--log_dir", Type::kString,
             "directory of scheduler.log and worker_N.log (default: this one)"),
      Option("--join", Type::kString,
             "True: waits for all processes and shows the workers' output (default: False)"),
      Option("--cluster_time_out", Type::kInt,
             "seconds until all workers must have registered (default: 600)"),
      Option(
          "--bind_core", Type::kString,
          "True, or CPU ranges of each device as JSON: {\"device0\":[\"0-3\"]} (default: False)"),
      Option("--sim_level", Type::kInt, "a dry run of this level, without scheduler"),
      Option("--sim_rank_id", Type::kInt, "the only rank to simulate (default: -1, all)"),
      Option("--rank_table_file", Type::kString, "rank table of an Ascend cluster"),
      Option("--worker_log_name", Type::kString,
             "name of the workers' log files, with {ip} and {hostname} (default: worker)"),
      Option("--tail_worker_log", Type::kString,
             "ranks whose output is shown, with --join=True (default: -1, all)"),
      Option("--propagate_exit_code", Type::kStoreTrue,
             "of a failed job: exits with the code of the worker that failed first, in place of 1"),
  };
  for (ArgSpec& option : options) {
    if (option.names[0] == "--join") {
      option.check = CheckJoin;
      option.metavar = "{True,False}";
    }
    if (option.names[0] == "--bind_core") option.check = CheckBindCore;
    if (option.names[0] == "--sim_level") option.choices = {"0", "1", "2", "3"};
    // Ours: kept out of usage lines, which are the original's word for word.
    if (option.names[0] == "--propagate_exit_code") option.in_usage = false;
  }
  return options;
}

ArgParser Parser() {
  return ArgParser(
      "msrun", {"task_script", "task_script_args"}, Options(),
      {"Starts the processes of a distributed MindSpore job on this host. A script runs with "
       "python of PATH; `msrun ... python3 SCRIPT` names another.",
       {"the script, or python, python3 or pytest", "what it is given"}});
}

MsrunFlags Collect(const ParsedArgs& args) {
  MsrunFlags flags;
  flags.worker_num = args.GetInt("worker_num", flags.worker_num);
  flags.local_worker_num = args.GetInt("local_worker_num", flags.local_worker_num);
  flags.master_addr = args.Get("master_addr", flags.master_addr);
  flags.address_given = args.Has("master_addr");
  flags.master_port = args.GetInt("master_port", flags.master_port);
  flags.port_given = args.Has("master_port");
  flags.node_rank = args.GetInt("node_rank", flags.node_rank);
  flags.log_dir = args.Get("log_dir");
  flags.join = LiteralEval(args.Get("join", "False"))->number == 1.0;
  flags.cluster_time_out = args.GetInt("cluster_time_out", flags.cluster_time_out);
  flags.bind_core = ParseBindCore(args.Get("bind_core", "False")).value;
  if (args.Has("sim_level")) flags.sim_level = args.GetInt("sim_level", 0);
  flags.sim_rank_id = args.GetInt("sim_rank_id", flags.sim_rank_id);
  flags.rank_table_file = args.Get("rank_table_file");
  flags.worker_log_name = args.Get("worker_log_name");
  flags.tail_worker_log = args.Get("tail_worker_log", flags.tail_worker_log);
  flags.propagate_exit_code = args.Has("propagate_exit_code");
  flags.task_script = args.rest.at(0);
  flags.task_script_args.assign(args.rest.begin() + 1, args.rest.end());
  return flags;
}

}  // namespace

MsrunParse ParseMsrun(const std::vector<std::string>& words) {
  const ArgParser parser = Parser();
  const ArgParser::Result result = parser.Parse(words, /*known_only=*/false);
  MsrunParse parse;
  parse.usage_error = result.error;
  if (result.args.help) parse.help = parser.Help();
  if (!parse.usage_error && !parse.help) parse.flags = Collect(result.args);
  return parse;
}

std::vector<std::string> MsrunCommand(const MsrunFlags& flags) {
  static const auto* const kInterpreters =
      new std::vector<std::string>{"python", "python3", "pytest"};
  std::vector<std::string> command;
  const auto found = std::find(kInterpreters->begin(), kInterpreters->end(), flags.task_script);
  if (found == kInterpreters->end()) command.push_back("python");
  command.push_back(flags.task_script);
  command.insert(command.end(), flags.task_script_args.begin(), flags.task_script_args.end());
  return command;
}

TailChoice ParseTail(const std::string& text) {
  TailChoice choice;
  if (text == "-1") return choice;
  choice.ranks.emplace();
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const std::optional<std::string> digits = PyInt(part);
    if (!digits) {
      choice.error =
          absl::StrCat("ValueError: invalid literal for int() with base 10: ", PyRepr(part));
      return choice;
    }
    choice.ranks->push_back(ClampToInt(*digits));
  }
  return choice;
}

}  // namespace muster

#include "ctl/frontend/paddle/flags.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "ctl/frontend/argparse/arg_parser.h"
#include "ctl/frontend/argparse/python_text.h"
#include "ctl/frontend/paddle/flag_table.h"

namespace muster {
namespace {

using Type = PaddleFlagRow::Type;
using Values = std::map<std::string, std::optional<std::string>>;

constexpr int kRefused = 1;           // What a ValueError of the original gives.
constexpr int kUsage = 2;             // What argparse gives.
constexpr int kMaxProcesses = 10000;  // Of one node: more is a typing error.
constexpr char kNotInt[] = "expected a whole number";
constexpr char kNotBool[] = "expected true or false (y, yes, t, on, 1, n, no, f, off, 0)";

// argparse's type for booleans: text of the value, or nothing where it raises ValueError.
std::optional<std::string> ReadBool(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  static const std::set<std::string> kYes = {"y", "yes", "t", "true", "on", "1"};
  static const std::set<std::string> kNo = {"n", "no", "f", "false", "off", "0"};
  if (kYes.count(lower) > 0) return "True";
  if (kNo.count(lower) > 0) return "False";
  return std::nullopt;
}

std::optional<std::string> ReadTyped(Type type, const std::string& text) {
  if (type == Type::kBool) return ReadBool(text);
  if (type != Type::kInt) return text;
  const std::optional<std::string> digits = PyInt(text);
  if (!digits.has_value()) return std::nullopt;
  return absl::StrCat(ClampToInt(*digits));
}

std::vector<std::string> Items(absl::string_view list, char separator = ',') {
  std::vector<std::string> items;
  for (const absl::string_view item : absl::StrSplit(list, separator, absl::SkipWhitespace())) {
    items.emplace_back(absl::StripAsciiWhitespace(item));
  }
  return items;
}

// Takes one command line apart, step by step; the first error ends it.
class Reader {
 public:
  explicit Reader(const FrontendCall& call) : call_(call) {}

  PaddleCommandLine Read() {
    const absl::Status status = ReadAll();
    if (!status.ok() && !line_.refusal.has_value()) {
      line_.refusal = absl::StrCat(call_.program, ": ", status.message(), "\n");
      line_.exit_code = kRefused;
    }
    return std::move(line_);
  }

 private:
  PaddleFlags& flags() { return line_.flags; }

  absl::Status ReadAll() {
    for (const PaddleFlagRow& row : PaddleFlagTable()) {
      if (row.otherwise == nullptr) {
        values_[row.key()] = std::nullopt;
      } else {
        values_[row.key()] = row.otherwise;
      }
    }
    MUSTER_RETURN_IF_ERROR(ReadWords());
    MUSTER_RETURN_IF_ERROR(ReadVariables());
    FillConfiguration();
    MUSTER_RETURN_IF_ERROR(Bind());
    MUSTER_RETURN_IF_ERROR(ReadOtherVariables());
    MUSTER_RETURN_IF_ERROR(ChooseLauncher());
    return Check();
  }

  static std::vector<PaddleFlagRow> AllFlags() {
    std::vector<PaddleFlagRow> rows = PaddleFlagTable();
    const std::vector<PaddleFlagRow>& more = PaddleLegacyFlagTable();
    rows.insert(rows.end(), more.begin(), more.end());
    return rows;
  }

  // Also of the flags that only the legacy launcher reads.
  std::string WholeHelp() const {
    return ArgParser(
               call_.program, {"training_script", "training_script_args"},
               PaddleArgSpecs(AllFlags()),
               {"Starts and watches the processes of a Paddle job on this host. Python scripts "
                "run with python3 of PATH, or with the one that PADDLE_LAUNCH_PYTHON names.",
                {"the script, or a program", "what it is called with"}})
        .Help();
  }

  absl::Status ReadWords() {
    const ArgParser parser(call_.program, {"training_script", "training_script_args"},
                           PaddleArgSpecs(PaddleFlagTable()));
    ArgParser::Result result = parser.Parse(call_.words, /*known_only=*/true);
    if (result.args.help) return Stop(WholeHelp(), 0);
    if (!result.error.has_value() && !result.args.unknown.empty()) {
      unknown_ = result.args.unknown;
    }
    if (result.error.has_value()) return Stop(*result.error, kUsage);
    MUSTER_RETURN_IF_ERROR(TakeValues(PaddleFlagTable(), result.args, parser.Usage()));
    flags().script = result.args.rest.front();
    flags().script_args.assign(result.args.rest.begin() + 1, result.args.rest.end());
    return absl::OkStatus();
  }

  absl::Status TakeValues(const std::vector<PaddleFlagRow>& table, const ParsedArgs& args,
                          const std::string& usage) {
    for (const PaddleFlagRow& row : table) {
      if (!args.Has(row.key())) continue;
      const std::string text = args.Get(row.key());
      const std::optional<std::string> value = ReadTyped(row.type, text);
      if (!value.has_value()) {
        return Stop(
            absl::StrCat(usage, call_.program, ": error: argument ", absl::StrJoin(row.names, "/"),
                         ": ", kNotBool, ", not ", PyRepr(text), "\n"),
            kUsage);
      }
      values_[row.key()] = *value;
      given_.insert(row.key());
    }
    return absl::OkStatus();
  }

  // The environment beats the command line.
  absl::Status ReadVariables() {
    for (const PaddleFlagRow& row : PaddleFlagTable()) {
      if (row.variable == nullptr) continue;
      MUSTER_RETURN_IF_ERROR(Override(row.key(), row.type, row.variable));
    }
    const std::string* const id = Variable("PADDLE_TRAINER_ID");
    int rank = -1;
    if (id != nullptr && absl::SimpleAtoi(*id, &rank) && rank >= 0) {
      return Override("rank", Type::kInt, "PADDLE_TRAINER_ID");
    }
    return absl::OkStatus();
  }

  absl::Status Override(const std::string& key, Type type, const std::string& variable) {
    const std::string* const text = Variable(variable);
    if (text == nullptr) return absl::OkStatus();
    const std::optional<std::string> value = ReadTyped(type, *text);
    if (!value.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat(variable, "=", *text, ": ", type == Type::kInt ? kNotInt : kNotBool));
    }
    line_.overrides.push_back(absl::StrCat(
        "LAUNCH WARNING args ", key, " will be overridden by env: ", variable, " value: ", *text));
    values_[key] = *value;
    given_.insert(key);
    return absl::OkStatus();
  }

  void FillConfiguration() {
    std::map<std::string, std::string> shown;
    for (const auto& [key, value] : values_) shown[key] = value.value_or("None");
    shown["training_script"] = flags().script;
    shown["training_script_args"] = PythonList(flags().script_args);
    for (const auto& [key, value] : shown) {
      line_.configuration.push_back(absl::StrCat(key, ": ", value));
    }
  }

  absl::Status Bind() {
    PaddleFlags& f = flags();
    f.master = std::string(absl::StripPrefix(Text("master"), "http://"));
    f.rank = Int("rank").value_or(-1);
    f.log_level = absl::AsciiStrToUpper(Text("log_level"));
    f.log_overwrite = Bool("log_overwrite");
    f.sort_ip = Bool("sort_ip");
    f.enable_gpu_log = Bool("enable_gpu_log");
    f.nproc_per_node = Int("nproc_per_node").value_or(0);
    f.log_dir = Text("log_dir");
    f.run_mode = Text("run_mode");
    f.job_id = Text("job_id");
    // Not Items(): with CUDA_VISIBLE_DEVICES="" there is a device whose label is empty.
    if (!Text("devices").empty()) f.devices = absl::StrSplit(Text("devices"), ',');
    for (std::string& device : f.devices) absl::StripAsciiWhitespace(&device);
    f.host = Text("host");
    f.ips = Items(Text("ips"));
    f.start_port = *Int("start_port");
    f.servers = Items(Text("servers"));
    f.trainers = Items(Text("trainers"));
    f.server_num = Int("server_num");
    f.trainer_num = Int("trainer_num");
    f.gloo_port = *Int("gloo_port");
    f.with_gloo = Text("with_gloo");
    f.max_restart = *Int("max_restart");
    f.elastic_level = *Int("elastic_level");
    f.elastic_timeout = *Int("elastic_timeout");
    return BindNodes(Text("nnodes"));
  }

  absl::Status BindNodes(const std::string& text) {
    const std::vector<std::string> ends = absl::StrSplit(text, ':');
    PaddleFlags& f = flags();
    f.elastic = ends.size() == 2;
    const bool fine = ends.size() <= 2 && absl::SimpleAtoi(ends.front(), &f.min_nodes) &&
                      absl::SimpleAtoi(ends.back(), &f.max_nodes);
    if (!fine || f.min_nodes < 1 || f.max_nodes < f.min_nodes) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--nnodes=", text, ": expected a number of nodes, or min:max with 1 <= min <= max"));
    }
    return absl::OkStatus();
  }

  // What other launchers of this kind leave for this one.
  absl::Status ReadOtherVariables() {
    for (const char* const name : {"DISTRIBUTED_TRAINER_ENDPOINTS", "PADDLE_TRAINER_ENDPOINTS"}) {
      const std::string* const list = Variable(name);
      if (list == nullptr || list->empty()) continue;
      std::set<std::string> hosts;
      const std::vector<std::string> endpoints = absl::StrSplit(*list, ',');
      for (const std::string& endpoint : endpoints) {
        hosts.insert(std::vector<std::string>(absl::StrSplit(endpoint, ':')).front());
      }
      const bool has_port = absl::StrContains(endpoints.front(), ":");
      flags().master = absl::StrCat(endpoints.front(), has_port ? "" : ":6768");
      flags().min_nodes = flags().max_nodes = static_cast<int>(hosts.size());
      flags().elastic = false;
      line_.warnings.push_back(absl::StrCat("args reset by env ", name, ": master ", flags().master,
                                            ", nnodes ", hosts.size()));
    }
    const std::string* const with_args = Variable("PADDLE_LAUNCH_WITH_ARGS");
    if (with_args != nullptr && *with_args == "1") flags().master.clear();
    return absl::OkStatus();
  }

  // Flags that nobody here knows are the legacy launcher's, unless a master was given.
  absl::Status ChooseLauncher() {
    const bool wanted = Bool("legacy");
    if (!wanted && unknown_.empty()) return absl::OkStatus();
    if (!wanted && !flags().master.empty()) {
      line_.warnings.push_back(
          absl::StrCat("flags that are not known are ignored, since a master "
                       "is given: ",
                       absl::StrJoin(unknown_, " ")));
      return absl::OkStatus();
    }
    if (!unknown_.empty()) {
      line_.warnings.push_back(
          absl::StrCat("Compatible mode enable with args ", PythonList(unknown_)));
    }
    flags().legacy = true;
    return ReadLegacyWords();
  }

  // The legacy launcher reads the whole command line again.
  absl::Status ReadLegacyWords() {
    for (const PaddleFlagRow& row : PaddleLegacyFlagTable()) {
      values_[row.key()] =
          row.otherwise == nullptr ? std::nullopt : std::optional<std::string>(row.otherwise);
    }
    const ArgParser parser(call_.program, {"training_script", "training_script_args"},
                           PaddleArgSpecs(AllFlags()));
    const ArgParser::Result result = parser.Parse(call_.words, /*known_only=*/false);
    if (result.error.has_value()) return Stop(*result.error, kUsage);
    MUSTER_RETURN_IF_ERROR(TakeValues(PaddleLegacyFlagTable(), result.args, parser.Usage()));
    flags().script = result.args.rest.front();
    flags().script_args.assign(result.args.rest.begin() + 1, result.args.rest.end());
    MUSTER_RETURN_IF_ERROR(RefuseUnsupported(PaddleLegacyFlagTable()));
    return BindLegacy();
  }

  absl::Status BindLegacy() {
    PaddleFlags& f = flags();
    f.workers = Items(Text("workers"));
    f.worker_num = Int("worker_num");
    f.http_port = Int("http_port");
    for (const std::string& stage : Items(Text("heter_workers"), ';')) {
      f.heter_workers.push_back(Items(stage));
    }
    for (const std::string& count : Items(Text("heter_worker_num"), ';')) {
      int number = 0;
      if (!absl::SimpleAtoi(count, &number) || number < 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("--heter_worker_num=", Text("heter_worker_num"),
                         ": expected a number of trainers for each stage, like 2;1"));
      }
      f.heter_worker_num.push_back(number);
    }
    f.heter_devices = Items(Text("heter_devices"), ';');
    if (given_.count("selected_gpus") > 0) f.devices = Items(Text("selected_gpus"));
    static const std::set<std::string> kBackends = {"auto", "nccl",  "gloo",
                                                    "bkcl", "heter", "xccl"};
    if (kBackends.count(Text("backend")) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--backend=", Text("backend"), ": expected one of ", absl::StrJoin(kBackends, ", ")));
    }
    for (const char* const name : {"workers", "worker_num"}) {
      if (given_.count(name) > 0) Deprecated(name, name[6] == 's' ? "trainers" : "trainer_num");
    }
    return absl::OkStatus();
  }

  absl::Status Check() {
    PaddleFlags& f = flags();
    static const std::set<std::string> kLevels = {"CRITICAL", "FATAL", "ERROR", "WARNING",
                                                  "WARN",     "INFO",  "DEBUG", "NOTSET"};
    if (kLevels.count(f.log_level) == 0) {
      return Bad("log_level", "expected CRITICAL, ERROR, WARNING, INFO, DEBUG or NOTSET");
    }
    if (f.nproc_per_node < 0) return Bad("nproc_per_node", "expected a positive number");
    if (f.nproc_per_node > kMaxProcesses) {
      return Bad("nproc_per_node", absl::StrCat("expected at most ", kMaxProcesses));
    }
    if (f.log_dir.empty()) return Bad("log_dir", "expected a directory");
    static const std::set<std::string> kModes = {"", "collective", "ps", "ps-heter", "rpc"};
    if (kModes.count(f.run_mode) == 0) {
      return Bad("run_mode", "expected collective, ps, ps-heter or rpc");
    }
    for (const char* const name : {"server_num", "trainer_num"}) {
      if (Int(name).value_or(0) < 0) return Bad(name, "expected a positive number");
    }
    for (const char* const name : {"start_port", "gloo_port"}) {
      const int port = *Int(name);
      if (port < 1 || port > 65535) return Bad(name, "expected a port, 1 to 65535");
    }
    if (f.max_nodes > 1 && f.rank >= f.max_nodes) {
      return Bad("rank", absl::StrCat("expected 0 to ", f.max_nodes - 1, ", or none"));
    }
    const bool local = std::count(f.ips.begin(), f.ips.end(), "127.0.0.1") > 0;
    if (local && f.ips.size() > 1) {
      return Bad("ips", "127.0.0.1 in ips is not allowed in multi-nodes");
    }
    MUSTER_RETURN_IF_ERROR(CheckMaster());
    if (!f.ips.empty()) Deprecated("ips", "master");
    Followed("nproc_per_node", "one process for each device");
    Followed("server_num", "1");
    Followed("trainer_num", "1");
    return RefuseUnsupported(PaddleFlagTable());
  }

  absl::Status CheckMaster() {
    const std::string& master = flags().master;
    if (master.empty()) return absl::OkStatus();
    const std::vector<std::string> ends = absl::StrSplit(absl::StripPrefix(master, "etcd://"), ':');
    int port = 0;
    const bool fine = ends.size() == 2 && !ends[0].empty() && absl::SimpleAtoi(ends[1], &port) &&
                      port >= 1 && port <= 65535;
    return fine ? absl::OkStatus()
                : Bad("master", "expected ip:port, http://ip:port or etcd://ip:port");
  }

  absl::Status RefuseUnsupported(const std::vector<PaddleFlagRow>& table) {
    for (const PaddleFlagRow& row : table) {
      const bool unsupported = absl::StartsWith(row.help, "not supported");
      const bool on = given_.count(row.key()) > 0 && values_[row.key()].value_or("") != "False";
      if (unsupported && on) return Bad(row.key(), row.help);
    }
    return absl::OkStatus();
  }

  void Deprecated(absl::string_view name, absl::string_view instead) {
    line_.warnings.push_back(
        absl::StrCat("--", name, " is deprecated, use --", instead, "; it is followed"));
  }
  // 0 means "not given" to the original.
  void Followed(const std::string& name, absl::string_view meaning) {
    if (Int(name) == 0) {
      line_.warnings.push_back(absl::StrCat("--", name, "=0 is taken as not given: ", meaning));
    }
  }

  absl::Status Bad(const std::string& key, absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("--", key, "=", Text(key), ": ", what));
  }
  absl::Status Stop(const std::string& text, int code) {
    line_.refusal = text;
    line_.exit_code = code;
    return absl::InvalidArgumentError("");
  }

  std::string Text(const std::string& key) { return values_[key].value_or(""); }
  bool Bool(const std::string& key) { return ReadBool(Text(key)) == "True"; }
  std::optional<int> Int(const std::string& key) {
    if (!values_[key].has_value()) return std::nullopt;
    return std::atoi(values_[key]->c_str());  // ReadTyped() has made sure.
  }
  const std::string* Variable(const std::string& name) const {
    const auto found = call_.env.find(name);
    return found == call_.env.end() ? nullptr : &found->second;
  }

  const FrontendCall& call_;
  PaddleCommandLine line_;
  Values values_;
  std::set<std::string> given_;
  std::vector<std::string> unknown_;
};

}  // namespace

PaddleCommandLine ReadPaddleCommandLine(const FrontendCall& call) { return Reader(call).Read(); }

absl::Duration PaddleStartTimeout(const PaddleFlags& flags) {
  const int64_t seconds = int64_t{flags.elastic_timeout} * (flags.elastic ? 1 : 10);
  return seconds <= 1 ? absl::Seconds(3) : absl::Seconds(seconds);
}

std::string PythonList(const std::vector<std::string>& items) {
  return absl::StrCat(
      "[",
      absl::StrJoin(items, ", ",
                    [](std::string* out, const std::string& item) { *out += PyRepr(item); }),
      "]");
}

}  // namespace muster

#include "ctl/cli/command.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "ctl/spec/nearest.h"

namespace muster {
namespace {

absl::Status UnknownCommand(const std::vector<const Command*>& commands, const std::string& name) {
  const std::string nearest = NearestCommand(commands, name);
  return WithDetail(absl::InvalidArgumentError(absl::StrCat("unknown command '", name, "'")),
                    "UNKNOWN_COMMAND", "",
                    nearest.empty() ? "'msctl help' lists the commands"
                                    : absl::StrCat("did you mean 'msctl ", nearest, "'?"));
}

absl::Status CheckArgumentCount(const Command& command, int count) {
  const char* fault = nullptr;
  if (count < command.min_arguments) fault = "too few arguments";
  if (command.max_arguments >= 0 && count > command.max_arguments) fault = "too many arguments";
  if (fault == nullptr) return absl::OkStatus();
  return WithDetail(absl::InvalidArgumentError(absl::StrCat("'", command.name, "': ", fault)),
                    "USAGE", "", absl::StrCat("msctl ", command.name, " ", command.usage));
}

}  // namespace

const std::vector<FlagSpec>& GlobalFlags() {
  static const auto* const kFlags = new std::vector<FlagSpec>{
      {"address", 0, FlagType::kString, "ADDRESS",
       "the agent: unix:PATH or HOST:PORT (also MSCTL_ADDRESS)"},
      {"tls_ca", 0, FlagType::kString, "FILE", "who signs the agents' certificates (PEM)"},
      {"tls_cert", 0, FlagType::kString, "FILE", "this client's certificate (PEM)"},
      {"tls_key", 0, FlagType::kString, "FILE", "its private key (PEM)"},
      {"insecure", 0, FlagType::kBool, "", "plain TCP, on loopback only"},
      {"timeout", 0, FlagType::kDuration, "TIME",
       "how long an agent may stay silent (default 30s)"},
      {"color", 0, FlagType::kChoice, "auto|always|never", "when to use colour"},
      {"debug", 0, FlagType::kBool, "", "shows errors raw, with their code (also MSCTL_DEBUG)"},
      {"help", 'h', FlagType::kBool, "", "shows help for the command"},
  };
  return *kFlags;
}

std::vector<FlagSpec> AllFlagsOf(const Command& command) {
  std::vector<FlagSpec> flags = command.flags;
  for (const FlagSpec& global : GlobalFlags()) {
    // A verb may give a global name a meaning of its own: the timeout of `wait`.
    const bool own = std::any_of(command.flags.begin(), command.flags.end(),
                                 [&](const FlagSpec& flag) { return flag.name == global.name; });
    if (!own) flags.push_back(global);
  }
  return flags;
}

const Command* FindCommand(const std::vector<const Command*>& commands, const std::string& name) {
  for (const Command* command : commands) {
    if (command->name == name) return command;
    const auto& aliases = command->aliases;
    if (std::find(aliases.begin(), aliases.end(), name) != aliases.end()) return command;
  }
  return nullptr;
}

std::string NearestCommand(const std::vector<const Command*>& commands, const std::string& name) {
  std::vector<std::string> names;
  for (const Command* command : commands) {
    names.push_back(command->name);
    names.insert(names.end(), command->aliases.begin(), command->aliases.end());
  }
  return NearestOf(name, names);
}

absl::StatusOr<ParsedLine> ParseCommandLine(const std::vector<const Command*>& commands,
                                            const std::vector<std::string>& words) {
  ParsedLine line;
  // Global flags may stand before the verb: the first argument is the verb.
  Flags before;
  std::vector<std::string> rest;
  MUSTER_RETURN_IF_ERROR(
      FlagParser(GlobalFlags(), /*first_argument_ends=*/true).Parse(words, &before, &rest));
  line.help = before.Bool("help") || rest.empty();
  if (rest.empty()) return line;
  const Command* command = FindCommand(commands, rest[0]);
  if (command == nullptr) return UnknownCommand(commands, rest[0]);
  line.invocation.command = command;
  line.invocation.flags = std::move(before);
  rest.erase(rest.begin());
  const std::vector<FlagSpec> specs = AllFlagsOf(*command);
  MUSTER_RETURN_IF_ERROR(FlagParser(specs, command->first_argument_ends)
                             .Parse(rest, &line.invocation.flags, &line.invocation.arguments));
  line.help = line.invocation.flags.Bool("help");
  if (line.help) return line;
  MUSTER_RETURN_IF_ERROR(
      CheckArgumentCount(*command, static_cast<int>(line.invocation.arguments.size())));
  return line;
}

}  // namespace muster

#include "ctl/cli/help.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster {
namespace {

// Lines of two columns; what is too long for the first has the second below it.
std::string Columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  constexpr size_t kMaxFirst = 34;
  size_t width = 0;
  for (const auto& row : rows) {
    if (row.first.size() <= kMaxFirst) width = std::max(width, row.first.size());
  }
  std::string text;
  for (const auto& row : rows) {
    absl::StrAppend(&text, "  ", row.first);
    if (row.second.empty()) {
      absl::StrAppend(&text, "\n");
      continue;
    }
    if (row.first.size() > width) {
      absl::StrAppend(&text, "\n", std::string(width + 4, ' '), row.second, "\n");
    } else {
      absl::StrAppend(&text, std::string(width - row.first.size() + 2, ' '), row.second, "\n");
    }
  }
  return text;
}

std::string FlagColumns(const std::vector<FlagSpec>& flags) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const FlagSpec& flag : flags) {
    std::string shown =
        flag.short_name == 0 ? "    " : absl::StrCat("-", std::string(1, flag.short_name), ", ");
    absl::StrAppend(&shown, ShownFlag(flag.name));
    if (flag.type != FlagType::kBool) absl::StrAppend(&shown, " ", flag.value);
    std::string help = flag.help;
    if (flag.type == FlagType::kList) absl::StrAppend(&help, " (may be repeated)");
    rows.emplace_back(std::move(shown), std::move(help));
  }
  return Columns(rows);
}

std::string ExampleColumns(const std::vector<Example>& examples) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Example& example : examples) {
    rows.emplace_back(absl::StrCat("msctl ", example.line), example.what);
  }
  return Columns(rows);
}

}  // namespace

std::string HelpText(const std::vector<const Command*>& commands) {
  std::string text = absl::StrCat(
      "msctl runs distributed training jobs on the hosts of Muster.\n\nExamples:\n",
      ExampleColumns({{"submit job.yaml", "hands a job over; prints its name"},
                      {"logs --rank 7", "what rank 7 of that job wrote"},
                      {"run --nproc 8 -- python3 train.py", "runs it here, attached"}}),
      "\nCommands:\n");
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command* command : commands) rows.emplace_back(command->name, command->summary);
  absl::StrAppend(
      &text, Columns(rows), "\nFlags of every command:\n", FlagColumns(GlobalFlags()),
      "\n'msctl help COMMAND' says more; 'msctl help exit-codes' lists the exit codes.\n");
  return text;
}

std::string CommandHelpText(const Command& command) {
  std::string text = absl::StrCat(
      command.summary, "\n\nExamples:\n", ExampleColumns(command.examples), "\nUsage:\n  msctl ",
      command.name, command.usage.empty() ? "" : " ", command.usage, "\n");
  if (!command.aliases.empty()) {
    absl::StrAppend(&text, "\nAliases: ", absl::StrJoin(command.aliases, ", "), "\n");
  }
  if (!command.flags.empty()) {
    absl::StrAppend(&text, "\nFlags:\n", FlagColumns(command.flags));
  }
  if (!command.notes.empty()) absl::StrAppend(&text, "\n", command.notes, "\n");
  absl::StrAppend(&text, "\n'msctl help' lists the flags of every command.\n");
  return text;
}

}  // namespace muster

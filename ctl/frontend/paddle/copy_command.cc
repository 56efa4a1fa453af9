#include "ctl/frontend/paddle/copy_command.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace muster {

std::string ShellQuote(absl::string_view word) {
  bool plain = !word.empty();
  for (const char c : word) {
    plain = plain && (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                      absl::StrContains("@%+=:,./-_", absl::string_view(&c, 1)));
  }
  if (plain) return std::string(word);
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\"'\"'"}}), "'");
}

std::string CopyCommandBlock(const FrontendCall& call, absl::string_view master) {
  const std::string rule(80, '-');
  // `program` may be two words, "msctl paddle-launch": as it was typed.
  std::string command = absl::StrCat(call.program, " --master ", master);
  for (const std::string& word : call.words) absl::StrAppend(&command, " ", ShellQuote(word));
  return absl::StrCat("Copy the following command to other nodes to run.\n", rule, "\n", command,
                      "\n", rule, "\n");
}

}  // namespace muster

#include "agent/flag_parser.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "gflags/gflags.h"

namespace muster {
namespace {

constexpr int kMaxFlagfileDepth = 8;
constexpr int64_t kMaxFlagfileBytes = 1 << 20;

absl::Status ParseWords(const std::vector<std::string>& words, int depth);

bool FindFlag(const std::string& name, gflags::CommandLineFlagInfo* flag) {
  return gflags::GetCommandLineFlagInfo(name.c_str(), flag);
}

absl::Status SetFlag(const gflags::CommandLineFlagInfo& flag, const std::string& value) {
  if (!gflags::SetCommandLineOption(flag.name.c_str(), value.c_str()).empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag.name, "=", value, ": not a valid ", flag.type));
}

absl::Status ReadFlagfile(const std::string& path, int depth) {
  if (depth >= kMaxFlagfileDepth) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": flag files name each other more than ", kMaxFlagfileDepth, " deep"));
  }
  MUSTER_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFlagfileBytes));
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    MUSTER_RETURN_IF_ERROR(
        Annotate(ParseWords({std::string(line)}, depth + 1), absl::StrCat(path, ":", number)));
  }
  return absl::OkStatus();
}

// Takes words[*next], and the word after it where that is its value.
absl::Status ParseWord(const std::vector<std::string>& words, size_t* next, int depth) {
  const std::string& word = words[(*next)++];
  absl::string_view rest = word;
  if (!absl::ConsumePrefix(&rest, "--") && !absl::ConsumePrefix(&rest, "-")) {
    return absl::InvalidArgumentError(absl::StrCat("'", word, "': not a flag; see --help"));
  }
  const std::vector<absl::string_view> halves = absl::StrSplit(rest, absl::MaxSplits('=', 1));
  std::string name = absl::StrReplaceAll(halves[0], {{"-", "_"}});
  const bool has_value = halves.size() > 1;
  gflags::CommandLineFlagInfo flag;
  if (!FindFlag(name, &flag)) {
    if (!has_value && absl::StartsWith(name, "no") && FindFlag(name.substr(2), &flag) &&
        flag.type == "bool") {
      return SetFlag(flag, "false");
    }
    return absl::InvalidArgumentError(absl::StrCat("--", name, ": no such flag; see --help"));
  }
  if (!has_value && flag.type == "bool") return SetFlag(flag, "true");
  if (!has_value && *next >= words.size()) {
    return absl::InvalidArgumentError(absl::StrCat("--", name, ": the value is missing"));
  }
  const std::string value = has_value ? std::string(halves[1]) : words[(*next)++];
  if (name == "flagfile") return ReadFlagfile(value, depth);
  return SetFlag(flag, value);
}

absl::Status ParseWords(const std::vector<std::string>& words, int depth) {
  for (size_t next = 0; next < words.size();) {
    MUSTER_RETURN_IF_ERROR(ParseWord(words, &next, depth));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ParseFlags(const std::vector<std::string>& args) { return ParseWords(args, 0); }

std::string DescribeFlags(absl::string_view file) {
  std::vector<gflags::CommandLineFlagInfo> flags;
  gflags::GetAllFlags(&flags);
  std::string text;
  for (const gflags::CommandLineFlagInfo& flag : flags) {
    if (!absl::EndsWith(flag.filename, file)) continue;
    absl::StrAppend(&text, "  --", flag.name);
    if (flag.type != "bool") absl::StrAppend(&text, "=", absl::AsciiStrToUpper(flag.type));
    absl::StrAppend(&text, "\n      ", flag.description);
    if (!flag.default_value.empty() && flag.type != "bool") {
      absl::StrAppend(&text, " Default: ", flag.default_value, ".");
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace muster

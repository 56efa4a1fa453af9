#include "common/job/log_name.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace muster {
namespace {

constexpr const char* kPlaceholders[] = {"rank",      "role",    "role_rank", "local_rank",
                                         "node_rank", "attempt", "stream"};
// Room for the longest values, below NAME_MAX.
constexpr size_t kMaxPatternLength = 160;

bool IsPlaceholder(absl::string_view name) {
  for (const char* known : kPlaceholders) {
    if (name == known) return true;
  }
  return false;
}

absl::Status CheckFileName(absl::string_view pattern) {
  if (pattern.empty() || pattern == "." || pattern == "..") {
    return absl::InvalidArgumentError(absl::StrCat("'", pattern, "' cannot name a file"));
  }
  if (pattern.size() > kMaxPatternLength) {
    return absl::InvalidArgumentError(absl::StrCat(
        "it has ", pattern.size(), " characters, at most ", kMaxPatternLength, " are allowed"));
  }
  for (const char c : pattern) {
    if (c == '/') return absl::InvalidArgumentError("a file name has no '/'; see logs.dir");
    if (absl::ascii_iscntrl(c)) {
      return absl::InvalidArgumentError("a file name has no control characters");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::set<std::string>> LogNamePlaceholders(absl::string_view pattern) {
  if (absl::Status status = CheckFileName(pattern); !status.ok()) return status;
  std::set<std::string> found;
  absl::string_view rest = pattern;
  for (size_t open = rest.find_first_of("{}"); open != absl::string_view::npos;
       open = rest.find_first_of("{}")) {
    const size_t close = rest.find('}', open);
    if (rest[open] == '}' || close == absl::string_view::npos) {
      return absl::InvalidArgumentError("a brace is not matched");
    }
    const absl::string_view name = rest.substr(open + 1, close - open - 1);
    if (!IsPlaceholder(name)) {
      return absl::InvalidArgumentError(absl::StrCat("unknown placeholder {", name, "}"));
    }
    found.insert(std::string(name));
    rest.remove_prefix(close + 1);
  }
  return found;
}

std::string FillLogName(absl::string_view pattern,
                        const std::map<std::string, std::string>& values) {
  std::vector<std::pair<std::string, std::string>> replacements;
  for (const auto& [name, value] : values) {
    replacements.emplace_back(absl::StrCat("{", name, "}"), value);
  }
  return absl::StrReplaceAll(pattern, replacements);
}

}  // namespace muster

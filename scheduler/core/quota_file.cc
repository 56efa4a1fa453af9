#include "scheduler/core/quota_file.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr char kEverybody[] = "*";
constexpr absl::string_view kDevices = "devices.";
constexpr size_t kMaxKind = 32;

struct Line {
  std::string user;
  std::vector<std::pair<std::string, int64_t>> limits;
};

// The name at the beginning of `*rest`, which it is taken from.
absl::StatusOr<std::string> TakeUser(absl::string_view* rest) {
  size_t end = 0;
  const bool quoted = (*rest)[0] == '"';
  if (quoted) {
    end = rest->find('"', 1);
    if (end == absl::string_view::npos) return absl::InvalidArgumentError("a name without end");
  } else {
    end = rest->find_first_of(" \t");
  }
  const std::string user(rest->substr(quoted ? 1 : 0, quoted ? end - 1 : end));
  *rest = end == absl::string_view::npos ? "" : rest->substr(quoted ? end + 1 : end);
  if (user.empty()) return absl::InvalidArgumentError("a name that is empty");
  return user;
}

bool CanBeLimited(absl::string_view what) {
  static const auto* const kWhats =
      new std::set<absl::string_view>{"queued", "running", "hosts", "ranks"};
  return kWhats->count(what) > 0 ||
         (absl::StartsWith(what, kDevices) && what.size() > kDevices.size());
}

// How many letters must be changed, added or left out.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// A kind that an operator has named may have any name, but for what is nearly one of ours: a limit
// under a wrong name would limit nothing.
absl::Status CheckKind(absl::string_view kind) {
  constexpr absl::string_view kKinds[] = {"nvidia", "ascend", "xpu", "mlu", "ipu"};
  const bool is_word =
      kind.size() <= kMaxKind && absl::ascii_islower(kind[0]) &&
      std::all_of(kind.begin(), kind.end(), [](char c) {
        return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '-';
      });
  const std::string lower = absl::AsciiStrToLower(kind);
  for (absl::string_view known : kKinds) {
    // Short names are near to many.
    const size_t near = known.size() > 3 ? 2 : 0;
    if (kind == known) return absl::OkStatus();
    if (Distance(lower, known) <= near) {
      return absl::InvalidArgumentError(absl::StrCat("did you mean '", kDevices, known, "'?"));
    }
  }
  if (is_word) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a kind is a lower-case letter and up to 31 more letters, digits, '_' or '-'");
}

// Where the comment begins: a '#' that is not within quotes and begins a word.
size_t FindComment(absl::string_view line) {
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    const bool begins = i == 0 || absl::ascii_isspace(line[i - 1]);
    if (line[i] == '#' && !quoted && begins) return i;
  }
  return absl::string_view::npos;
}

absl::StatusOr<std::pair<std::string, int64_t>> ParseLimit(absl::string_view word) {
  const std::pair<absl::string_view, absl::string_view> halves =
      absl::StrSplit(word, absl::MaxSplits('=', 1));
  if (!CanBeLimited(halves.first)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", word, "': must be queued=, running=, hosts=, ranks= or devices.KIND="));
  }
  if (absl::StartsWith(halves.first, kDevices)) {
    const absl::Status kind = CheckKind(halves.first.substr(kDevices.size()));
    if (!kind.ok()) return Annotate(kind, absl::StrCat("'", word, "'"));
  }
  int64_t limit = Quota::kUnlimited;
  if (halves.second != "unlimited" && (!absl::SimpleAtoi(halves.second, &limit) || limit < 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", word, "': must be a number from 0 on, or unlimited"));
  }
  return std::make_pair(std::string(halves.first), limit);
}

absl::StatusOr<Line> ParseLine(absl::string_view text) {
  Line line;
  MUSTER_ASSIGN_OR_RETURN(line.user, TakeUser(&text));
  std::set<std::string> seen;
  for (absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipWhitespace())) {
    MUSTER_ASSIGN_OR_RETURN(const auto limit, ParseLimit(word));
    if (!seen.insert(limit.first).second) {
      return absl::InvalidArgumentError(absl::StrCat("'", limit.first, "' is there twice"));
    }
    line.limits.push_back(limit);
  }
  if (line.limits.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("'", line.user, "' has no limit"));
  }
  return line;
}

}  // namespace

absl::StatusOr<Quota> ParseQuota(const std::string& path, const std::string& text) {
  Quota quota;
  std::set<std::string> users;
  int number = 0;
  for (absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view content = absl::StripAsciiWhitespace(raw.substr(0, FindComment(raw)));
    if (content.empty()) continue;
    absl::StatusOr<Line> line = ParseLine(content);
    if (line.ok() && !users.insert(line->user).second) {
      line = absl::InvalidArgumentError(absl::StrCat("'", line->user, "' has a line already"));
    }
    if (!line.ok()) return Annotate(line.status(), absl::StrCat(path, ":", number));
    for (const auto& [what, limit] : line->limits) {
      if (line->user == kEverybody) {
        quota.SetDefault(what, limit);
      } else {
        quota.SetUser(line->user, what, limit);
      }
    }
  }
  return quota;
}

}  // namespace muster

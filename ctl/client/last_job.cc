#include "ctl/client/last_job.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/fs.h"

namespace muster {
namespace {

constexpr int64_t kMaxBytes = 64 << 10;
constexpr size_t kMaxAddresses = 50;

}  // namespace

LastJob::LastJob(const EnvLookup& env) {
  const std::string state_home = env("XDG_STATE_HOME");
  const std::string home = env("HOME");
  if (!state_home.empty() && state_home[0] == '/') {
    path_ = JoinPath(state_home, "muster/last_jobs");
  } else if (!home.empty()) {
    path_ = JoinPath(home, ".local/state/muster/last_jobs");
  }
}

void LastJob::Remember(const std::string& address, const std::string& job_id) const {
  if (path_.empty() || !MakeDirs(DirName(path_)).ok()) return;
  // One line per address, "ADDRESS JOB", the latest first.
  std::string text = absl::StrCat(address, " ", job_id, "\n");
  size_t kept = 1;
  const std::string before = ReadFile(path_, kMaxBytes).value_or("");
  for (const absl::string_view line : absl::StrSplit(before, '\n', absl::SkipEmpty())) {
    if (line.substr(0, line.rfind(' ')) == address || kept >= kMaxAddresses) continue;
    absl::StrAppend(&text, line, "\n");
    ++kept;
  }
  WriteFile(path_, text).IgnoreError();
}

std::string LastJob::Recall(const std::string& address) const {
  if (path_.empty()) return "";
  const std::string text = ReadFile(path_, kMaxBytes).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const size_t space = line.rfind(' ');
    if (space != absl::string_view::npos && line.substr(0, space) == address) {
      return std::string(line.substr(space + 1));
    }
  }
  return "";
}

}  // namespace muster

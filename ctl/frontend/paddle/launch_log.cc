#include "ctl/frontend/paddle/launch_log.h"

#include <unistd.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace muster {
namespace {

int LevelOf(const std::string& name) {
  static const auto* const levels = new std::map<std::string, int>{
      {"NOTSET", 20},  {"DEBUG", 10}, {"INFO", 20},  {"WARN", 30},
      {"WARNING", 30}, {"ERROR", 40}, {"FATAL", 50}, {"CRITICAL", 50}};
  const auto found = levels->find(name);
  return found == levels->end() ? 20 : found->second;
}

}  // namespace

LaunchLog::LaunchLog(const std::string& level, int interrupt_fd, const Clock* clock)
    : level_(LevelOf(level)), clock_(clock), out_(STDERR_FILENO, interrupt_fd) {}

void LaunchLog::Write(int level, absl::string_view name, absl::string_view message) {
  if (level < level_) return;
  const absl::Time now = clock_->Wall();
  const int64_t millis = absl::ToUnixMillis(now) % 1000;
  const std::string line = absl::StrCat(
      "LAUNCH ", name, " ", absl::FormatTime("%Y-%m-%d %H:%M:%S", now, absl::LocalTimeZone()),
      absl::StrFormat(",%03d ", millis), message, "\n");
  out_.Write(line);
  out_.Offer();
}

}  // namespace muster

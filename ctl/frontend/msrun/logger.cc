#include "ctl/frontend/msrun/logger.h"

#include <pthread.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace muster {
namespace {

const char* LevelName(MsLevel level) {
  switch (level) {
    case MsLevel::kDebug:
      return "DEBUG";
    case MsLevel::kInfo:
      return "INFO";
    case MsLevel::kWarning:
      return "WARNING";
    case MsLevel::kError:
      return "ERROR";
    case MsLevel::kCritical:
      return "CRITICAL";
  }
  return "";
}

}  // namespace

std::string MsLogLine(MsLevel level, absl::string_view text, absl::Time time, const char* file,
                      int line) {
  const int64_t micros = absl::ToInt64Microseconds(time - absl::UnixEpoch()) % 1000000;
  return absl::StrFormat("[%s] ME(%d:%d,MainProcess):%s.%03d.%03d [%s:%d] %s\n", LevelName(level),
                         getpid(), pthread_self(),
                         absl::FormatTime("%Y-%m-%d-%H:%M:%S", time, absl::LocalTimeZone()),
                         micros / 1000, micros % 1000, file, line, text);
}

MsLevel MsLogLevel(const std::string& glog_v) {
  int level = 0;
  if (!absl::SimpleAtoi(glog_v, &level) || level < 0 || level > 4) return MsLevel::kWarning;
  return static_cast<MsLevel>(level);
}

}  // namespace muster

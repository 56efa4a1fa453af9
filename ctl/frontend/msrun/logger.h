#ifndef MUSTER_CTL_FRONTEND_MSRUN_LOGGER_H_
#define MUSTER_CTL_FRONTEND_MSRUN_LOGGER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster {

enum class MsLevel { kDebug, kInfo, kWarning, kError, kCritical };

// One line as MindSpore's logger writes it, with its newline: "[WARNING] ME(PID:TID,MainProcess):
// 2025-03-01-10:20:30.123.456 [FILE:LINE] TEXT".
std::string MsLogLine(MsLevel level, absl::string_view text, absl::Time time,
                      const char* file = __builtin_FILE(), int line = __builtin_LINE());

// The least level that is shown: GLOG_v, by default 2 (warnings).
MsLevel MsLogLevel(const std::string& glog_v);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_LOGGER_H_

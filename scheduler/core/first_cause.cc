#include "scheduler/core/first_cause.h"

#include <algorithm>

#include "common/job/exit_result.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

// Somebody wanted it; how its ranks took that is no failure.
bool IsPlanned(StopCause cause) {
  return cause == StopCause::kDrained || cause == StopCause::kPreempted ||
         cause == StopCause::kResized;
}

bool IsTimeout(StopCause cause) {
  return cause == StopCause::kStartTimeout || cause == StopCause::kRunTimeout;
}

// The only host of which a rank never started; empty when there are several, or none.
std::string HostThatDidNotStart(const v1::Attempt& attempt) {
  std::string host;
  for (const v1::RankStatus& rank : attempt.ranks()) {
    const bool started = rank.pid() != 0 || rank.has_start_time();
    if (started || rank.node_name() == host) continue;
    if (!host.empty()) return "";
    host = rank.node_name();
  }
  return host;
}

}  // namespace

v1::FirstCause FindFirstCause(const JobRecord& record, absl::Time now) {
  const v1::Attempt& attempt = *CurrentAttempt(record.job);
  if (record.stop_cause == StopCause::kHostLost && attempt.has_first_cause()) {
    return attempt.first_cause();
  }
  const v1::RankStatus* const first = IsTimeout(record.stop_cause) || IsPlanned(record.stop_cause)
                                          ? nullptr
                                          : FindFirstFailure(attempt.ranks());
  if (first != nullptr) return MakeFirstCause(*first, attempt.ranks());
  const bool was_failure =
      record.stop_cause == StopCause::kNone || record.stop_cause == StopCause::kRankFailed;
  // Of a rank that was given up; the record has got its true exit since.
  if (was_failure && attempt.has_first_cause()) return attempt.first_cause();
  v1::FirstCause cause;
  cause.set_reason(record.stop_reason.empty() ? "its ranks were stopped from outside"
                                              : record.stop_reason);
  cause.set_summary(cause.reason());
  if (record.stop_cause == StopCause::kStartFailed && !attempt.first_cause().node().empty()) {
    cause.set_node(attempt.first_cause().node());  // Noted when it refused.
  } else if (record.stop_cause == StopCause::kStartFailed ||
             record.stop_cause == StopCause::kStartTimeout) {
    cause.set_node(HostThatDidNotStart(attempt));
  }
  *cause.mutable_time() = ToTimestamp(now);
  return cause;
}

int ExitCodeOf(const JobRecord& record, const v1::FirstCause& cause) {
  if (cause.has_exit()) return std::max(ShellExitCode(cause.exit()), kExitFailed);
  return IsTimeout(record.stop_cause) ? kExitTimeout : kExitFailed;
}

}  // namespace muster

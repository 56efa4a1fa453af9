#include "scheduler/core/restart_policy.h"

#include <algorithm>

#include "scheduler/core/job_state.h"

namespace muster {

std::optional<absl::Duration> RestartDelay(const v1::RestartSpec& spec,
                                           const std::vector<absl::Time>& failures,
                                           absl::Time now) {
  const absl::Time begin = now - FromProtoDuration(spec.window());
  const auto recent = std::count_if(failures.begin(), failures.end(),
                                    [begin](absl::Time failure) { return failure >= begin; });
  if (recent > spec.max_restarts()) return std::nullopt;
  const absl::Duration max = FromProtoDuration(spec.max_delay());
  absl::Duration delay = std::min(FromProtoDuration(spec.first_delay()), max);
  for (auto i = recent; i > 1 && delay < max; --i) delay = std::min(delay * 2, max);
  return delay;
}

bool MayHelp(const v1::FirstCause& cause) {
  return cause.exit().how_case() != v1::ExitResult::kNotStarted;
}

}  // namespace muster

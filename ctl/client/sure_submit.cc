#include "ctl/client/sure_submit.h"

#include <optional>

#include "absl/time/clock.h"
#include "ctl/client/reconnect.h"
#include "ctl/client/rpc_error.h"

namespace muster {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(5);

// `call` again and again while nobody answers it.
template <typename Call>
absl::StatusOr<v1::Job> CallSurely(const Call& call) {
  Reconnect reconnect(Clock::Real(), kPatience);
  for (;;) {
    absl::StatusOr<v1::Job> job = call();
    // ApiClient has already waited for a scheduler.
    if (job.ok() || !IsLostContact(job.status()) || IsNotTheScheduler(job.status())) return job;
    const std::optional<absl::Duration> wait = reconnect.Next();
    if (!wait.has_value()) return job;
    absl::SleepFor(*wait);
  }
}

}  // namespace

absl::StatusOr<v1::Job> SubmitSurely(ApiClient* api, const v1::SubmitJobRequest& request) {
  return CallSurely([api, &request] { return api->SubmitJob(request); });
}

absl::StatusOr<v1::Job> ScaleSurely(ApiClient* api, const v1::ScaleJobRequest& request) {
  return CallSurely([api, &request] { return api->ScaleJob(request); });
}

}  // namespace muster

#include "ctl/client/sure_submit.h"

#include <optional>

#include "absl/time/clock.h"
#include "ctl/client/reconnect.h"

namespace muster {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(5);

}  // namespace

absl::StatusOr<v1::Job> SubmitSurely(ApiClient* api, const v1::SubmitJobRequest& request) {
  Reconnect reconnect(Clock::Real(), kPatience);
  for (;;) {
    absl::StatusOr<v1::Job> job = api->SubmitJob(request);
    if (job.ok() || !IsLostContact(job.status())) return job;
    const std::optional<absl::Duration> wait = reconnect.Next();
    if (!wait.has_value()) return job;
    absl::SleepFor(*wait);
  }
}

}  // namespace muster

#include "scheduler/rpc/scheduler_seat.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/error_details.h"

namespace muster {
namespace {

absl::Status NotHere(const std::string& message, const std::string& hint,
                     const std::string& address) {
  v1::ErrorDetails details;
  v1::ErrorDetail* const detail = details.add_errors();
  detail->set_reason(kNotTheSchedulerReason);
  detail->set_hint(hint);
  detail->set_scheduler_address(address);
  return WithDetails(absl::UnavailableError(message), details);
}

}  // namespace

SchedulerSeat::SchedulerSeat(OpenCalls* calls)
    : calls_(calls),
      answers_(calls->loop()),
      nodes_(calls->loop()),
      absence_(NoScheduler("this agent has just started")) {}

void SchedulerSeat::Take(Scheduler* scheduler, Mandate mandate) {
  scheduler_ = scheduler;
  mandate_ = std::move(mandate);
  absence_ = NoScheduler("the leader cannot prove its lease");
  calls_->Reopen();
  answers_.Reopen();
  nodes_.Reopen();
}

void SchedulerSeat::Doubt(const absl::Status& why, std::function<bool()> may_renew) {
  absence_ = why;
  may_renew_ = std::move(may_renew);
  calls_->EndAll(why);
  answers_.EndAll(why);
  scheduler_ = nullptr;
}

bool SchedulerSeat::may_renew() const {
  return scheduler() != nullptr || (may_renew_ && may_renew_());
}

void SchedulerSeat::Vacate(const absl::Status& why) {
  absence_ = why;
  calls_->EndAll(why);  // While the scheduler still lives: its watchers say goodbye to it.
  answers_.EndAll(why);
  may_renew_ = nullptr;
  nodes_.EndAll(why);
  scheduler_ = nullptr;
  mandate_ = Mandate();
  last_welcome_ = std::nullopt;
}

void SchedulerSeat::Close(const absl::Status& why) {
  absence_ = why;
  calls_->EndAll(why);
  may_renew_ = nullptr;
  nodes_.EndAll(why);
  scheduler_ = nullptr;
}

Scheduler* SchedulerSeat::scheduler() const {
  const bool acts = !mandate_.may_act || mandate_.may_act();
  return acts ? scheduler_ : nullptr;
}

absl::Status SchedulerIsElsewhere(const std::string& address) {
  return NotHere(absl::StrCat("the scheduler is not here: it is at ", address),
                 absl::StrCat("ask ", address), address);
}

absl::Status NoScheduler(absl::string_view cause) {
  return NotHere(absl::StrCat("there is no scheduler: ", cause),
                 "try again; running jobs are not affected", "");
}

}  // namespace muster

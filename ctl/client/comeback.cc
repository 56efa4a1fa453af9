#include "ctl/client/comeback.h"

#include "absl/strings/str_cat.h"
#include "common/rpc/error_details.h"
#include "ctl/client/address.h"
#include "ctl/client/reconnect.h"

namespace muster {
namespace {

// A server that explains itself keeps its word; a broken way there has advice for beginners.
bool IsServersWord(const absl::Status& status) {
  const v1::ErrorDetails details = DetailsOf(status);
  if (details.errors().empty()) return false;
  const std::string& reason = details.errors(0).reason();
  return reason != kNoAgentReason && reason != kNoAnswerReason && reason != kNoSchedulerReason;
}

absl::Status WithHintAlone(const absl::Status& status, const std::string& hint) {
  if (!IsLostContact(status) || IsServersWord(status)) return status;
  v1::ErrorDetails details;
  details.add_errors()->set_reason("LOST_CONTACT");
  details.mutable_errors(0)->set_hint(hint);
  return WithDetails(status, details);
}

}  // namespace

std::string ComebackHint(const std::string& job_id) {
  return absl::StrCat("job ", job_id, " goes on: 'msctl logs -f ", job_id,
                      "' comes back to it, 'msctl wait ", job_id, "' waits for its end");
}

absl::Status LostUnder(const std::string& job_id, const absl::Status& status) {
  return WithHintAlone(status, ComebackHint(job_id));
}

absl::Status LostUnderSubmit(const absl::Status& status) {
  return WithHintAlone(status,
                       "the job may have been taken all the same: 'msctl get jobs' shows it once "
                       "the agent is back");
}

}  // namespace muster

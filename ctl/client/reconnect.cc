#include "ctl/client/reconnect.h"

namespace muster {
namespace {

// An agent that was restarted is back within some hundred milliseconds.
Backoff::Options BackoffOptions() {
  Backoff::Options options;
  options.first = absl::Milliseconds(10);
  options.max = absl::Milliseconds(500);
  return options;
}

// A try that held for so long was contact, though nothing was said; one that finds nobody fails
// sooner.
constexpr absl::Duration kHeld = absl::Seconds(10);

}  // namespace

bool IsLostContact(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:    // "The agent is going down; read on at the last offset."
    case absl::StatusCode::kCancelled:  // A connection that was reset under a stream.
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

Reconnect::Reconnect(const Clock* clock, absl::Duration give_up_after)
    : clock_(clock), give_up_after_(give_up_after), backoff_(BackoffOptions()) {}

void Reconnect::Heard() {
  lost_.reset();
  backoff_.Reset();
}

std::optional<absl::Duration> Reconnect::Next() {
  const absl::Duration now = clock_->Boot();
  if (!lost_.has_value() || now - tried_ >= kHeld) {
    lost_ = now;
    backoff_.Reset();
  }
  if (Absence() >= give_up_after_) return std::nullopt;
  const absl::Duration wait = backoff_.Next();
  tried_ = now + wait;
  return wait;
}

absl::Duration Reconnect::Absence() const {
  return lost_.has_value() ? clock_->Boot() - *lost_ : absl::ZeroDuration();
}

}  // namespace muster

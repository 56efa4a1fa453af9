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
    : clock_(clock),
      give_up_after_(give_up_after),
      heard_(clock->Boot()),
      backoff_(BackoffOptions()) {}

void Reconnect::Heard() {
  heard_ = clock_->Boot();
  backoff_.Reset();
}

std::optional<absl::Duration> Reconnect::Next() {
  if (Silence() >= give_up_after_) return std::nullopt;
  return backoff_.Next();
}

}  // namespace muster

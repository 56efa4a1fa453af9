#ifndef MUSTER_CTL_CLIENT_RECONNECT_H_
#define MUSTER_CTL_CLIENT_RECONNECT_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/backoff.h"
#include "common/base/clock.h"

namespace muster {

// Whether `status` says that the other side is away for now: worth another try.
bool IsLostContact(const absl::Status& status);

// When to try again after contact was lost, and when to give up: `give_up_after` later. A stream that
// has nothing to say is no lost contact, for however long. Not thread-safe.
class Reconnect {
 public:
  Reconnect(const Clock* clock, absl::Duration give_up_after);  // `clock` must outlive this object.

  // The other side has spoken.
  void Heard();
  // Contact was lost, or a try has failed. The wait before the next try; nullopt: it has been away
  // for too long.
  std::optional<absl::Duration> Next();
  // Since the first failure after it was last heard.
  absl::Duration Absence() const;

 private:
  const Clock* const clock_;
  const absl::Duration give_up_after_;
  // On Clock::Boot().
  std::optional<absl::Duration> lost_;
  absl::Duration tried_;
  Backoff backoff_;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_RECONNECT_H_

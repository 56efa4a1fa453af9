#ifndef MUSTER_SCHEDULER_CORE_QUOTA_H_
#define MUSTER_SCHEDULER_CORE_QUOTA_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/placement.pb.h"

namespace muster {

// How much of what: "queued" and "running" jobs, "hosts", "ranks", "devices.KIND". A host counts
// once for each gang that is on it.
using Amounts = std::map<std::string, int64_t>;

// What a gang of `num_nodes` hosts takes while it runs, and what one takes where it was placed.
Amounts AmountsOf(const v1::JobSpec& spec, int num_nodes);
Amounts AmountsOf(const v1::Placement& placement);
void AddAmounts(const Amounts& more, Amounts* sum);

// What each user may have at once. A value; without any entry nobody is limited.
class Quota {
 public:
  static constexpr int64_t kUnlimited = INT64_MAX;

  // Limits that hold for everybody who has none of his own for the same thing; and one user's.
  void SetDefault(const std::string& what, int64_t limit) { defaults_[what] = limit; }
  void SetUser(const std::string& user, const std::string& what, int64_t limit) {
    users_[user][what] = limit;
  }

  int64_t LimitOf(const std::string& user, const std::string& what) const;

  // RESOURCE_EXHAUSTED when `user`, who has `used`, may not have `wanted` on top; the message names
  // the user, the limit and the use.
  absl::Status Check(const std::string& user, const Amounts& used, const Amounts& wanted) const;

  // The largest size of a gang, from `spec.nodes.min` to `max`, that `user` may have on top of what
  // he has; 0: none, and `*why` is the line for the smallest.
  int MostNodes(const std::string& user, const Amounts& used, const v1::JobSpec& spec,
                absl::Status* why) const;

 private:
  Amounts defaults_;
  std::map<std::string, Amounts> users_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_QUOTA_H_

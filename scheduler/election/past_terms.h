#ifndef MUSTER_SCHEDULER_ELECTION_PAST_TERMS_H_
#define MUSTER_SCHEDULER_ELECTION_PAST_TERMS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"
#include "muster/v1/election.pb.h"

namespace muster {

// What a candidate, at its election, can say about leaders before it. Times are on Clock::Boot().
struct Succession {
  std::string node_id;  // Its own.
  absl::Duration elected;
  absl::Duration stood;      // Its key was surely in etcd then, and has been ever since.
  int64_t first_leader = 0;  // Who led when it first looked, after that; 0: unknown.
  // As in Pledge.
  absl::Duration pledged_until;
  std::map<int64_t, absl::Duration> answered;
};

// When the leader of `term` has surely ceased to renew leases of nodes that have not come to the
// new leader. A leader that knows the candidate, as one does that began after it stood or has
// answered it since, goes no further than its pledge. One that may not know it has read who stands
// before it stood, and doubts no longer than it may from there.
absl::Duration SilentFrom(const v1::Term& term, const Succession& succession);

// The leaders before this one that may still renew leases, as etcd keeps them; each new leader adds
// itself before it renews any. One is over when its agent obeys this leader, or by time. Lives on
// the loop, for one term.
class PastTerms {
 public:
  struct Options {
    std::string key;         // Of the record.
    std::string leader_key;  // Whose create-revision is `epoch`, or nothing is written.
    int64_t epoch = 0;
    absl::Duration longest_doubt;  // As in Term.
    Succession succession;
  };

  // Pointers must outlive this object.
  PastTerms(Options options, EventLoop* loop, Etcd* etcd);
  ~PastTerms();
  PastTerms(const PastTerms&) = delete;
  PastTerms& operator=(const PastTerms&) = delete;

  // Reads the record and adds this term to it. Not called back once this object is gone.
  void Enter(std::function<void(const absl::Status&)> done);
  // The agent of that node has taken a welcome of this leader.
  void OnNode(const std::string& node_id);
  // On Clock::Boot(): from here on no earlier leader renews the lease of a node that has not come
  // to this one. Becomes earlier as more is known. Infinite before Enter() is done.
  absl::Duration SilentFrom() const;

 private:
  void Entered(const absl::StatusOr<EtcdTxnResult>& result,
               const std::function<void(const absl::Status&)>& done);
  EtcdTxn Write(const std::vector<v1::Term>& past) const;
  void Arm();
  void Settle();

  const Options options_;
  const v1::Term self_;
  EventLoop* const loop_;
  Etcd* const etcd_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool entered_ = false;
  bool settled_ = false;  // The record holds this term alone.
  int64_t revision_ = 0;  // Of the record; 0: there is none.
  std::vector<v1::Term> past_;
  absl::Duration over_from_;  // The same as SilentFrom(), of those that are over.
  EventLoop::TimerId timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_ELECTION_PAST_TERMS_H_

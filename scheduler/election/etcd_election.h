#ifndef MUSTER_SCHEDULER_ELECTION_ETCD_ELECTION_H_
#define MUSTER_SCHEDULER_ELECTION_ETCD_ELECTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/backoff.h"
#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"
#include "muster/v1/election.pb.h"

namespace muster {

// Who has the scheduler role, and since which epoch.
struct ElectedLeader {
  int64_t epoch = 0;
  v1::Candidate candidate;
};

// Elects, through etcd, the agent that has the scheduler role. Each candidate puts a key, with a
// lease, below one prefix; the key with the lowest create-revision leads, and that revision is the
// epoch. So leadership changes only by the leader's key going away, and a write that compares the
// key's create-revision is the leader's or is not done.
//
// Keep-alives and watches are hints: etcd 3.4 had bugs in both. The proof is a linearizable read
// that still shows the key, made after a renewal was answered: it is good for `ttl`, less a margin
// for drifting clocks, from before that renewal was sent, on this host's own CLOCK_BOOTTIME. After
// that the leader deposes itself, before etcd lets the lease lapse. The list decides who leads; a
// watch only makes it come sooner. Lives on the loop; events come on it, none from within Start()
// and none after the end.
class EtcdElection {
 public:
  struct Options {
    std::string prefix;  // Of the candidates' keys; ends with a slash.
    v1::Candidate self;  // The key's value.
    bool stands = true;  // Else it only looks who leads.
    absl::Duration ttl = absl::Seconds(3);
    absl::Duration look_interval = absl::Seconds(10);  // Of one that does not stand.
    // How long a leader without a proof is not deposed, as long as nobody says that its key is
    // gone: from the last proof. Zero: not at all.
    absl::Duration longest_doubt;
    Backoff::Options backoff{absl::Milliseconds(100), absl::Seconds(1), 0.5};
  };

  struct Events {
    // This process has the role now.
    std::function<void(const ElectedLeader& self)> on_elected;
    // A read that was sent at `read_at` shows that it has the role, and who else stands for it; one
    // that cannot be read has no node id. Follows on_elected and every proof.
    std::function<void(absl::Duration read_at, const std::vector<v1::Candidate>& candidates)>
        on_candidates = [](absl::Duration, const std::vector<v1::Candidate>&) {};
    // It is in doubt: it may not act, and will not again before it is deposed and elected anew.
    std::function<void(const absl::Status& why)> on_doubt = [](const absl::Status&) {};
    // It has it no longer, and must have stopped to act as one before this returns.
    std::function<void(const absl::Status& why)> on_deposed;
    // Where the scheduler is, after each change; or why nobody knows.
    std::function<void(const absl::StatusOr<ElectedLeader>& leader)> on_leader;
  };

  // A candidate's key.
  static std::string KeyOf(const Options& options, int64_t lease);

  // Pointers must outlive this object. Its end leaves the lease to lapse: as a crash does.
  EtcdElection(const Options& options, EventLoop* loop, Etcd* etcd, Events events);
  ~EtcdElection();
  EtcdElection(const EtcdElection&) = delete;
  EtcdElection& operator=(const EtcdElection&) = delete;

  void Start();
  // Whether this process has the role and can prove it on its own clock: what it does without is
  // another one's to do.
  bool MayAct() const;
  // Whether it is in doubt, and may be.
  bool InDoubt() const;
  // Since when this process surely stands, on Clock::Boot(), and who led when it first looked after
  // that; 0: not known. Of a process that stands.
  absl::Duration standing_since() const { return standing_since_; }
  int64_t first_leader() const { return first_leader_; }
  // This process cannot fill the role: the next one gets it. It stands again later.
  void StepDown(const absl::Status& why);
  // Leaves for good, so that another one wins at once. on_deposed comes first, if it has the role;
  // then `done`, at the latest after a call's deadline.
  void Resign(std::function<void()> done);

  // The key that the leader's writes compare. Empty unless this process leads.
  std::string leader_key() const { return leading_ ? key_ : ""; }

 private:
  // --- Who leads.
  // Reads all candidates. `renewed_at`: this read follows the renewal that was sent then.
  void Look(std::optional<absl::Duration> renewed_at);
  void Looked(absl::Duration sent_at, const absl::StatusOr<EtcdRange>& range,
              std::optional<absl::Duration> renewed_at);
  void LookAgainAfter(bool answered);
  // Whether this process goes on with its candidacy after what was read.
  bool CheckOwnKey(const EtcdRange& range, std::optional<absl::Duration> renewed_at);
  void Tell(const absl::StatusOr<ElectedLeader>& leader);
  void WatchFrom(int64_t revision);
  void ForgetOldSelf(const EtcdRange& range);

  // --- Standing: grant, put, then renew and look until the key is lost.
  void Stand();
  void StandLater();
  void Enter();
  void Entered(const absl::StatusOr<EtcdTxnResult>& result);
  void Renew();
  void Renewed(absl::Duration sent_at, const absl::StatusOr<absl::Duration>& ttl);
  void RenewAfter(absl::Duration delay);
  // A read after that renewal has shown the key.
  void Proven(absl::Duration renewed_at);
  void ArmDeadline();
  void OnDeadline();
  void Lose(const absl::Status& why);
  absl::Duration ActFor() const;
  absl::Duration Now() const { return loop_->clock()->Boot(); }

  // For the callbacks of calls: false once this object is gone, or the lease of that time.
  std::function<bool()> ThisTerm() const;

  const Options options_;
  EventLoop* const loop_;
  Etcd* const etcd_;
  const Events events_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  bool resigned_ = false;
  bool looking_ = false;
  bool look_again_ = false;
  absl::Duration looked_at_;  // When the last read that was answered was sent.
  std::unique_ptr<EtcdStream> watch_;
  EventLoop::TimerId look_timer_ = 0;
  Backoff look_backoff_;
  std::optional<absl::StatusOr<ElectedLeader>> told_;

  uint64_t term_ = 0;  // Counts the leases, so that a late answer finds out that it is late.
  int64_t lease_ = 0;  // 0: none.
  std::string key_;
  int64_t create_revision_ = 0;  // Of the key; 0: it is not known to be there.
  absl::Duration standing_since_;
  int64_t first_leader_ = 0;
  bool leading_ = false;
  bool doubts_ = false;                 // Leading, without a proof.
  absl::Duration proven_at_;            // From when on the lease's time counts.
  EventLoop::TimerId renew_timer_ = 0;  // Or the next try to stand.
  EventLoop::TimerId deadline_timer_ = 0;
  Backoff stand_backoff_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_ELECTION_ETCD_ELECTION_H_

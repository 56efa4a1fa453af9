#ifndef MUSTER_SCHEDULER_ELECTION_PLEDGE_BOOK_H_
#define MUSTER_SCHEDULER_ELECTION_PLEDGE_BOOK_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "muster/v1/election.pb.h"

namespace muster {

// What a leader knows of the candidates that may follow it: who they are, and until when each has
// pledged itself not to count a silent host's lease as over.
//
// A pledge counts from when the candidate took the answer that asked for it. The candidate names
// that answer in its next heartbeat, and the leader counts from when it decided to send it, which
// was earlier: whatever the network held up, it never believes in a pledge that is over. Lives on
// the loop, for one term.
class PledgeBook {
 public:
  struct Options {
    std::string self;       // The leader's own node id.
    absl::Duration length;  // Of a pledge.
    // A node has shown that it took this leader's welcome.
    std::function<void(const std::string& node_id)> on_node;
  };

  // `clock` must outlive this object.
  PledgeBook(Options options, const Clock* clock);

  // A linearizable read, sent at `read_at`, has shown the leader's key and all that stand beside
  // it. Who neither stands nor was heard since is no candidate any more: it has to begin anew, and
  // knows that it is not known.
  void OnCandidates(absl::Duration read_at, const std::vector<v1::Candidate>& candidates);

  // --- Of the nodes' streams; sessions are never used twice.
  // `candidate`: as its hello says.
  void OnHello(const std::string& node_id, bool candidate, uint64_t session);
  // `pledged`: as in NodeHeartbeat.
  void OnBeat(const std::string& node_id, uint64_t session, int64_t pledged);
  // Answer `number`, the welcome being 1, is about to be sent.
  void OnAnswer(const std::string& node_id, uint64_t session, int64_t number);

  // Whether each candidate has pledged itself beyond this moment. False while one is not known.
  bool AllPledged() const;
  absl::Duration length() const { return options_.length; }

 private:
  struct Candidate {
    bool known = false;  // Counts; its stream lasts beyond that.
    absl::Duration heard = -absl::InfiniteDuration();
    absl::Duration pledged_from = -absl::InfiniteDuration();
    uint64_t session = 0;
    std::deque<std::pair<int64_t, absl::Duration>> answers;  // Not named yet, oldest first.
  };

  Candidate* Find(const std::string& node_id, uint64_t session);

  const Options options_;
  const Clock* const clock_;
  bool complete_ = false;  // The candidates are known, all of them.
  std::map<std::string, Candidate> candidates_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_ELECTION_PLEDGE_BOOK_H_

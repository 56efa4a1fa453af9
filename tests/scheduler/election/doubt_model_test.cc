// Leaders in doubt and their successors, over random delays, partitions and clocks that drift: no
// host's ranks are started elsewhere before that host has killed them. The pledges, the count of
// the successor and its table of nodes are the real ones; etcd, streams and fences are modelled.
#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/link/pledge.h"
#include "gtest/gtest.h"
#include "scheduler/core/fence_time.h"
#include "scheduler/core/node_table.h"
#include "scheduler/election/past_terms.h"
#include "scheduler/election/pledge_book.h"

namespace muster {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(100);
constexpr absl::Duration kTtl = absl::Seconds(3);
constexpr absl::Duration kActFor = absl::Milliseconds(2700);
constexpr absl::Duration kBeat = absl::Milliseconds(500);
constexpr absl::Duration kPledge = absl::Seconds(2);
constexpr absl::Duration kLease = absl::Seconds(4);
constexpr absl::Duration kGrace = absl::Seconds(1);
constexpr absl::Duration kDoubt = absl::Seconds(30);
constexpr int kCandidates = 3;
constexpr int kHosts = 5;

// What each of the two rules is worth: left out, the model must find the double run.
enum class Leave { kNothing, kPledges, kCount };

// One host's clock, up to 1 % off.
class HostClock final : public Clock {
 public:
  HostClock(const absl::Duration* time, double rate) : time_(time), rate_(rate) {}
  absl::Time Wall() const override { return absl::UnixEpoch() + *time_; }
  absl::Duration Boot() const override { return absl::Hours(1) + *time_ * rate_; }

 private:
  const absl::Duration* const time_;
  const double rate_;
};

struct Message {
  absl::Duration due;
  int64_t number = 0;  // Of a heartbeat (0: hello), or of an answer (1: welcome).
  int64_t pledged = 0;
  int64_t epoch = 0;
};

// A stream between a host and a leader: in order, late, and held up while the two are cut off.
struct Stream {
  int host = 0;
  int leader = 0;
  uint64_t session = 0;
  bool hello = false;
  std::deque<Message> up, down;
};

struct Host {
  std::unique_ptr<HostClock> clock;
  std::unique_ptr<Pledge> pledge;
  // As an agent.
  int target = -1;
  std::shared_ptr<Stream> stream;
  bool welcomed = false;
  int64_t epoch = 0;  // The highest that it has obeyed.
  int64_t sequence = 0;
  int64_t pledged = 0;
  std::vector<absl::Duration> sent;  // By sequence.
  absl::Duration next_beat, last_answer;
  absl::Duration lease_end;  // On its own clock.
  // As a candidate.
  int64_t key = 0;
  absl::Duration key_until;  // In true time, as etcd counts.
  absl::Duration stood, proven;
  int64_t first_leader = 0;
  bool leads = false;
  std::vector<v1::Term> past;
  absl::Duration over_from;
  Succession succession;
  std::unique_ptr<PledgeBook> book;
  std::unique_ptr<NodeTable> nodes;
};

class Model {
 public:
  Model(uint64_t seed, Leave leave) : random_(seed), leave_(leave) {
    for (Host& host : hosts_) {
      host.clock = std::make_unique<HostClock>(&time_, Uniform(0.99, 1.01));
      host.pledge = std::make_unique<Pledge>(host.clock.get());
    }
  }

  // Returns whether a gang was ever started elsewhere while its first host may have run it.
  bool Run(absl::Duration duration) {
    for (; time_ < duration; time_ += kStep) {
      DropIdleStreams();
      if (Chance(0.01)) Partition();
      for (int i = 0; i < kCandidates; ++i) Stand(i);
      for (int i = 0; i < kHosts; ++i) Agent(i);
      for (const auto& stream : std::vector<std::shared_ptr<Stream>>(streams_)) Carry(stream.get());
      for (int i = 0; i < kCandidates; ++i) {
        if (Restarts(i)) return true;
      }
    }
    return false;
  }
  int restarts() const { return restarts_; }
  int renewals_in_doubt() const { return renewals_in_doubt_; }

 private:
  double Uniform(double from, double to) {
    return std::uniform_real_distribution<double>(from, to)(random_);
  }
  bool Chance(double share) { return Uniform(0, 1) < share; }
  int Any(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }
  absl::Duration Delay() { return absl::Seconds(Chance(0.05) ? Uniform(0, 3) : Uniform(0, 0.2)); }
  absl::Duration Now(int i) const { return hosts_[i].clock->Boot(); }

  void Partition() {
    const double which = Uniform(0, 1);
    if (which < 0.3) {
      for (bool& cut : no_etcd_) cut = false;
      for (auto& row : cut_) std::fill(std::begin(row), std::end(row), false);
    } else if (which < 0.5) {
      for (bool& cut : no_etcd_) cut = true;  // etcd is down.
    } else if (which < 0.75) {
      no_etcd_[Any(kHosts)] ^= true;
    } else {
      const int a = Any(kHosts);
      const int b = Any(kCandidates);
      cut_[a][b] = !cut_[a][b];
    }
  }

  bool KeyLives(const Host& host) const { return host.key != 0 && time_ < host.key_until; }
  int Leader() const {
    int leader = -1;
    for (int i = 0; i < kCandidates; ++i) {
      if (!KeyLives(hosts_[i])) continue;
      if (leader < 0 || hosts_[i].key < hosts_[leader].key) leader = i;
    }
    return leader;
  }

  bool MayAct(int i) const { return hosts_[i].leads && Now(i) < hosts_[i].proven + kActFor; }
  bool MayRenew(int i) const {
    const Host& host = hosts_[i];
    if (MayAct(i)) return true;
    if (!host.leads || Now(i) >= host.proven + kDoubt) return false;
    return leave_ == Leave::kPledges || host.book->AllPledged();
  }

  void DropIdleStreams() {
    const auto idle = [this](const std::shared_ptr<Stream>& stream) {
      return hosts_[stream->host].stream != stream && stream->up.empty();
    };
    streams_.erase(std::remove_if(streams_.begin(), streams_.end(), idle), streams_.end());
  }

  void Depose(int i) {
    Host& host = hosts_[i];
    host.leads = false;
    host.key = 0;
    host.pledge->Withhold(false);
    streams_.erase(std::remove_if(streams_.begin(), streams_.end(),
                                  [i](const auto& stream) { return stream->leader == i; }),
                   streams_.end());
  }

  // One candidate's talk with etcd; a turn of it takes no time.
  void Stand(int i) {
    Host& host = hosts_[i];
    if (no_etcd_[i]) return;
    if (Chance(0.5)) return;
    if (host.key != 0 && !KeyLives(host)) return Depose(i);
    const bool doubts = host.leads && Now(i) >= host.proven + kActFor;
    if (doubts) return Depose(i);  // etcd answers again.
    if (host.key == 0) {
      host.key = ++revision_;
      host.stood = Now(i);
      host.first_leader = 0;
    }
    host.key_until = time_ + kTtl;
    host.proven = Now(i);
    const int leader = Leader();
    if (host.first_leader == 0) host.first_leader = hosts_[leader].key;
    if (leader != i) return;
    if (!host.leads) Elect(i);
    std::vector<v1::Candidate> standing;
    for (int j = 0; j < kCandidates; ++j) {
      if (KeyLives(hosts_[j])) standing.emplace_back().set_node_id(absl::StrCat(j));
    }
    host.book->OnCandidates(Now(i), standing);
  }

  void Elect(int i) {
    Host& host = hosts_[i];
    host.leads = true;
    host.pledge->Withhold(true);
    Succession& succession = host.succession;
    succession.node_id = absl::StrCat(i);
    succession.elected = Now(i);
    succession.stood = host.stood;
    succession.first_leader = host.first_leader;
    succession.pledged_until = host.pledge->until();
    succession.answered = host.pledge->answered();
    host.past = terms_;
    host.over_from = succession.elected;
    v1::Term term;
    term.set_epoch(host.key);
    term.set_node_id(succession.node_id);
    term.mutable_longest_doubt()->set_seconds(absl::ToInt64Seconds(kDoubt));
    terms_.push_back(term);
    PledgeBook::Options book;
    book.self = succession.node_id;
    book.length = kPledge;
    book.on_node = [this, i](const std::string& id) {
      std::vector<v1::Term>& past = hosts_[i].past;
      const auto over = std::stable_partition(
          past.begin(), past.end(), [&id](const v1::Term& term) { return term.node_id() != id; });
      if (over != past.end()) hosts_[i].over_from = Now(i);
      past.erase(over, past.end());
      if (past.empty() && MayAct(i) && Leader() == i && !no_etcd_[i]) {
        terms_.erase(terms_.begin(), terms_.end() - 1);
      }
    };
    host.book = std::make_unique<PledgeBook>(std::move(book), host.clock.get());
    NodeTable::Options nodes;
    nodes.suspect_after = nodes.lost_after = kLease;
    nodes.fenced_after = FencedAfter(kLease, kGrace);
    nodes.silent_from = [this, i] {
      if (leave_ == Leave::kCount) return hosts_[i].succession.elected;
      absl::Duration from = hosts_[i].over_from;
      for (const v1::Term& term : hosts_[i].past) {
        from = std::max(from, SilentFrom(term, hosts_[i].succession));
      }
      return from;
    };
    host.nodes = std::make_unique<NodeTable>(nodes, host.clock.get(),
                                             [](const std::string&) { return nullptr; });
    for (int j = 0; j < kHosts; ++j) {
      v1::NodePlacement placement;
      placement.set_node_id(absl::StrCat(j));
      host.nodes->Expect(placement);
    }
    streams_.erase(std::remove_if(streams_.begin(), streams_.end(),
                                  [i](const auto& stream) { return stream->leader == i; }),
                   streams_.end());
  }

  void Agent(int i) {
    Host& host = hosts_[i];
    const bool leads = i < kCandidates && host.leads;
    const int leader = leads ? i : no_etcd_[i] || Chance(0.8) ? host.target : Leader();
    if (leader >= 0 && leader != host.target) {
      host.target = leader;
      host.stream = nullptr;
    }
    if (host.target < 0) return;
    const bool silent = host.stream != nullptr && Now(i) - host.last_answer > absl::Seconds(3);
    if (host.stream == nullptr || silent) {
      host.stream = std::make_shared<Stream>();
      host.stream->host = i;
      host.stream->leader = host.target;
      host.stream->session = ++sessions_;
      host.welcomed = false;
      host.sequence = host.pledged = 0;
      host.sent = {Now(i)};
      host.last_answer = Now(i);
      streams_.push_back(host.stream);  // An old one still carries what it has.
      Message hello;
      hello.due = time_ + Delay();
      host.stream->up.push_back(hello);
      return;
    }
    if (!host.welcomed || Now(i) < host.next_beat) return;
    host.next_beat = Now(i) + kBeat;
    host.sent.push_back(Now(i));
    Message beat;
    beat.due = time_ + Delay();
    beat.number = ++host.sequence;
    beat.pledged = i < kCandidates && !host.pledge->withheld() ? host.pledged : 0;
    host.stream->up.push_back(beat);
  }

  void Carry(Stream* stream) {
    if (stream->host != stream->leader && cut_[stream->host][stream->leader]) return;
    while (!stream->up.empty() && stream->up.front().due <= time_) {
      const Message message = stream->up.front();
      stream->up.pop_front();
      Serve(stream, message);
    }
    while (!stream->down.empty() && stream->down.front().due <= time_) {
      const Message message = stream->down.front();
      stream->down.pop_front();
      if (hosts_[stream->host].stream.get() == stream) Take(stream->host, message);
    }
  }

  // As NodeReactor does.
  void Serve(Stream* stream, const Message& message) {
    Host& leader = hosts_[stream->leader];
    const std::string id = absl::StrCat(stream->host);
    if (!leader.leads) return;
    if (message.number == 0) {
      if (!MayRenew(stream->leader)) return;
      stream->hello = true;
      v1::NodeHello hello;
      hello.mutable_info()->set_id(id);
      if (MayAct(stream->leader)) {
        if (!leader.nodes->Connect(hello, stream->session, nullptr).ok()) return;
      }
      leader.book->OnHello(id, stream->host < kCandidates, stream->session);
    } else {
      if (!stream->hello) return;
      leader.book->OnBeat(id, stream->session, message.pledged);
      if (!MayRenew(stream->leader)) return;
      if (MayAct(stream->leader)) {
        leader.nodes->SetObeys(stream->session);
        leader.nodes->Heard(stream->session);
      }
    }
    if (!MayAct(stream->leader)) ++renewals_in_doubt_;
    leader.book->OnAnswer(id, stream->session, message.number + 1);
    Message answer;
    answer.due = time_ + Delay();
    answer.number = message.number + 1;
    answer.epoch = leader.key;
    stream->down.push_back(answer);
  }

  // As SchedulerLink and Fence do.
  void Take(int i, const Message& answer) {
    Host& host = hosts_[i];
    if (answer.epoch < host.epoch) return;
    host.epoch = answer.epoch;
    host.welcomed = true;
    host.last_answer = Now(i);
    const absl::Duration sent = host.sent[answer.number - 1];
    const absl::Duration until = sent + kLease;
    if (until > Now(i)) host.lease_end = std::max(host.lease_end, until);
    if (i < kCandidates && host.pledge->Give(answer.epoch, sent, kPledge)) {
      host.pledged = answer.number;
    }
  }

  // Whether leader `i` starts elsewhere what a silent host may still run.
  bool Restarts(int i) {
    if (!MayAct(i)) return false;
    const absl::Duration kill = absl::Seconds(1) + (kLease + kGrace) / 3;
    for (int j = 0; j < kHosts; ++j) {
      if (!hosts_[i].nodes->HasFenced(absl::StrCat(j))) continue;
      ++restarts_;
      if (hosts_[j].clock->Boot() < hosts_[j].lease_end + kGrace + kill) return true;
    }
    return false;
  }

  std::mt19937_64 random_;
  const Leave leave_;
  absl::Duration time_;
  int64_t revision_ = 1;
  uint64_t sessions_ = 0;
  int restarts_ = 0;
  int renewals_in_doubt_ = 0;
  Host hosts_[kHosts];
  bool no_etcd_[kHosts] = {};
  bool cut_[kHosts][kCandidates] = {};
  std::vector<v1::Term> terms_;
  std::vector<std::shared_ptr<Stream>> streams_;
};

struct Figures {
  int double_runs = 0;
  int64_t restarts = 0;
  int64_t renewals_in_doubt = 0;
};

Figures Try(int count, Leave leave) {
  Figures figures;
  for (int seed = 1; seed <= count; ++seed) {
    Model model(seed, leave);
    if (model.Run(absl::Minutes(3))) ++figures.double_runs;
    figures.restarts += model.restarts();
    figures.renewals_in_doubt += model.renewals_in_doubt();
  }
  return figures;
}

TEST(DoubtModelTest, NothingStartsElsewhereBeforeItWasKilled) {
  const Figures figures = Try(300, Leave::kNothing);
  EXPECT_EQ(figures.double_runs, 0);
  // It was put to the test.
  EXPECT_GT(figures.restarts, 1000);
  EXPECT_GT(figures.renewals_in_doubt, 1000);
}

TEST(DoubtModelTest, ALeaderThatDoesNotAskForPledgesIsFound) {
  EXPECT_GT(Try(100, Leave::kPledges).double_runs, 0);
}

TEST(DoubtModelTest, ASuccessorThatDoesNotWaitForItsPledgeIsFound) {
  EXPECT_GT(Try(300, Leave::kCount).double_runs, 0);
}

}  // namespace
}  // namespace muster

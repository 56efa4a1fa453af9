#include "scheduler/election/etcd_election.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_etcd.h"

namespace muster {
namespace {

constexpr absl::Duration kTtl = absl::Seconds(3);

// One agent's part in the election, as its process would have it.
class Member {
 public:
  Member(EventLoop* loop, FakeEtcd* etcd, const std::string& name, bool stands = true,
         absl::Duration longest_doubt = absl::ZeroDuration())
      : etcd_(etcd->Connect(&cut)) {
    EtcdElection::Options options;
    options.prefix = "/m/leader/";
    options.self.set_node_id(name);
    options.self.set_address(absl::StrCat(name, ":7077"));
    options.stands = stands;
    options.ttl = kTtl;
    options.longest_doubt = longest_doubt;
    EtcdElection::Events events;
    events.on_elected = [this](const ElectedLeader& self) { epochs.push_back(self.epoch); };
    events.on_doubt = [this](const absl::Status&) { ++doubts; };
    events.on_candidates = [this](absl::Duration, const std::vector<v1::Candidate>& candidates) {
      standing = candidates.size();
    };
    events.on_deposed = [this](const absl::Status& why) { deposed.push_back(why); };
    events.on_leader = [this](const absl::StatusOr<ElectedLeader>& leader) {
      following = leader.ok() ? leader->candidate.node_id() : "";
    };
    election_ = std::make_unique<EtcdElection>(options, loop, etcd_.get(), std::move(events));
    election_->Start();
  }

  EtcdElection* operator->() { return election_.get(); }
  bool leads() const { return epochs.size() > deposed.size(); }

  bool cut = false;
  std::vector<int64_t> epochs;  // Of its elections.
  std::vector<absl::Status> deposed;
  std::string following;
  int doubts = 0;
  size_t standing = 0;

 private:
  std::unique_ptr<Etcd> etcd_;
  std::unique_ptr<EtcdElection> election_;
};

class EtcdElectionTest : public testing::Test {
 protected:
  std::unique_ptr<Member> Join(const std::string& name, bool stands = true) {
    auto member = std::make_unique<Member>(&loop_, &etcd_, name, stands);
    Settle();
    return member;
  }
  void Settle() {
    while (loop_.RunDue()) {
    }
  }
  void Advance(absl::Duration duration) {
    for (absl::Duration passed; passed < duration; passed += absl::Milliseconds(10)) {
      clock_.Advance(absl::Milliseconds(10));
      Settle();
    }
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  FakeEtcd etcd_{&loop_};
};

TEST_F(EtcdElectionTest, TheFirstLeadsAndAllFollowIt) {
  const auto a = Join("a");
  const auto b = Join("b");

  EXPECT_TRUE(a->leads());
  EXPECT_TRUE((*a)->MayAct());
  EXPECT_FALSE(b->leads());
  EXPECT_EQ(a->following, "a");
  EXPECT_EQ(b->following, "a");
}

TEST_F(EtcdElectionTest, TheEpochIsTheCreateRevisionOfTheLeadersKey) {
  const auto a = Join("a");

  ASSERT_EQ(a->epochs.size(), 1U);
  EXPECT_EQ(etcd_.entries().at((*a)->leader_key()).create_revision, a->epochs[0]);
}

TEST_F(EtcdElectionTest, ALeaderStaysOneWhileItsLeaseIsRenewed) {
  const auto a = Join("a");
  const auto b = Join("b");
  for (int i = 0; i < 600; ++i) {
    Advance(absl::Milliseconds(100));
    ASSERT_TRUE((*a)->MayAct());
  }
  EXPECT_EQ(b->epochs.size(), 0U);
}

TEST_F(EtcdElectionTest, OneThatResignsIsFollowedAtOnceWithAHigherEpoch) {
  const auto a = Join("a");
  const auto b = Join("b");
  bool resigned = false;
  (*a)->Resign([&] { resigned = true; });
  EXPECT_FALSE((*a)->MayAct());
  Settle();

  EXPECT_TRUE(resigned);
  EXPECT_EQ(a->deposed.size(), 1U);
  ASSERT_TRUE(b->leads());
  EXPECT_GT(b->epochs[0], a->epochs[0]);
}

TEST_F(EtcdElectionTest, ADeadLeaderIsFollowedWhenItsLeaseLapses) {
  auto a = Join("a");
  const auto b = Join("b");
  a = nullptr;
  Advance(kTtl + absl::Milliseconds(50));

  EXPECT_TRUE(b->leads());
  EXPECT_EQ(b->following, "b");
}

TEST_F(EtcdElectionTest, ALeaderThatIsCutOffStopsBeforeAnotherBegins) {
  const auto a = Join("a");
  const auto b = Join("b");
  Advance(absl::Seconds(10));
  a->cut = true;
  bool stopped_first = false;
  for (int i = 0; i < 400 && !b->leads(); ++i) {
    Advance(absl::Milliseconds(10));
    ASSERT_FALSE((*a)->MayAct() && b->leads());
    if (!(*a)->MayAct() && !b->leads()) stopped_first = true;
  }

  EXPECT_TRUE(b->leads());
  EXPECT_TRUE(stopped_first);
  ASSERT_EQ(a->deposed.size(), 1U);
  EXPECT_TRUE(absl::IsDeadlineExceeded(a->deposed[0])) << a->deposed[0];
}

TEST_F(EtcdElectionTest, OneThatWasCutOffStandsAgain) {
  const auto a = Join("a");
  a->cut = true;
  Advance(absl::Seconds(10));
  EXPECT_FALSE(a->leads());
  EXPECT_EQ(a->following, "");
  a->cut = false;
  Advance(absl::Seconds(2));

  ASSERT_EQ(a->epochs.size(), 2U);
  EXPECT_GT(a->epochs[1], a->epochs[0]);
}

// etcd 3.4.23 may answer a renewal well though the lease was revoked.
TEST_F(EtcdElectionTest, ARenewalOfARevokedLeaseProvesNothing) {
  const auto a = Join("a");
  Advance(absl::Seconds(10));
  etcd_.lying_renewals = true;
  etcd_.mute_watches = true;
  etcd_.RevokeAll();
  const auto b = Join("b");
  ASSERT_TRUE(b->leads());
  Advance(kTtl / 3 + absl::Milliseconds(100));

  EXPECT_FALSE((*a)->MayAct());
  ASSERT_EQ(a->deposed.size(), 1U);
  EXPECT_TRUE(absl::IsAborted(a->deposed[0])) << a->deposed[0];
}

TEST_F(EtcdElectionTest, ALostWatchEventIsMadeUpByTheNextLook) {
  const auto a = Join("a");
  const auto b = Join("b");
  const auto observer = Join("c", /*stands=*/false);
  etcd_.mute_watches = true;
  (*a)->Resign([] {});
  Advance(absl::Seconds(11));

  EXPECT_TRUE(b->leads());
  EXPECT_EQ(observer->following, "b");
}

TEST_F(EtcdElectionTest, ACompactedWatchLooksAgain) {
  const auto a = Join("a");
  const auto b = Join("b");
  const auto observer = Join("c", /*stands=*/false);
  etcd_.mute_watches = true;
  (*a)->Resign([] {});
  Settle();
  etcd_.Compact();
  Settle();

  EXPECT_TRUE(b->leads());
  EXPECT_EQ(observer->following, "b");
}

TEST_F(EtcdElectionTest, OneThatWasStoppedMayNotActWhenItWakes) {
  const auto a = Join("a");
  Advance(absl::Seconds(5));
  clock_.Advance(kTtl);  // Its process stands still: no turn of its loop.

  EXPECT_FALSE((*a)->MayAct());
  Advance(absl::Seconds(2));
  EXPECT_EQ(a->deposed.size(), 1U);
  ASSERT_EQ(a->epochs.size(), 2U);
  EXPECT_GT(a->epochs[1], a->epochs[0]);
}

TEST_F(EtcdElectionTest, OneThatDoesNotStandNeverLeads) {
  const auto observer = Join("c", /*stands=*/false);
  Advance(absl::Seconds(30));

  EXPECT_TRUE(observer->epochs.empty());
  EXPECT_EQ(observer->following, "");
}

TEST_F(EtcdElectionTest, AnAgentsLastProcessNeedNotLapse) {
  auto a = Join("a");
  a = nullptr;
  const auto again = Join("a");
  Advance(absl::Milliseconds(200));

  EXPECT_TRUE(again->leads());
}

TEST_F(EtcdElectionTest, ALostAnswerMakesNoSecondCandidate) {
  etcd_.lose_answers = true;
  const auto a = Join("a");
  Advance(absl::Milliseconds(500));
  etcd_.lose_answers = false;
  Advance(absl::Seconds(4));

  EXPECT_TRUE(a->leads());
  EXPECT_EQ(etcd_.entries().size(), 1U);
}

TEST_F(EtcdElectionTest, OneThatStepsDownLetsTheNextOneLead) {
  const auto a = Join("a");
  const auto b = Join("b");
  (*a)->StepDown(absl::DataLossError("the store is damaged"));
  Settle();
  EXPECT_TRUE(b->leads());
  Advance(absl::Seconds(10));

  EXPECT_TRUE(b->leads());
  EXPECT_FALSE(a->leads());
}

TEST_F(EtcdElectionTest, NeitherOfTwoEverActsWithTheOther) {
  std::vector<std::unique_ptr<Member>> members;
  for (const char* name : {"a", "b", "c"}) members.push_back(Join(name));
  int64_t highest = 0;
  for (int round = 0; round < 60; ++round) {
    Member& struck = *members[static_cast<size_t>(round) % 3];
    struck.cut = round % 2 == 0;
    if (round % 7 == 0) etcd_.RevokeAll();
    etcd_.down = round % 11 == 0;
    for (int i = 0; i < 15; ++i) {
      Advance(absl::Milliseconds(100));
      int acting = 0;
      for (const auto& member : members) acting += (*member)->MayAct() ? 1 : 0;
      // A lease that somebody else revokes is found out at the next renewal, or, cut off, when its
      // time is over; writes are refused from the first moment.
      if (round % 7 > 1) {
        ASSERT_LE(acting, 1) << "round " << round;
      }
    }
    for (const auto& member : members) {
      if (!member->epochs.empty()) highest = std::max(highest, member->epochs.back());
    }
  }
  EXPECT_GT(highest, 0);
}

TEST_F(EtcdElectionTest, ALeaderLearnsWhoElseStands) {
  const auto a = Join("a");
  EXPECT_EQ(a->standing, 1U);
  const auto b = Join("b");
  Advance(kTtl);
  EXPECT_EQ(a->standing, 2U);
  EXPECT_EQ((*b)->first_leader(), a->epochs[0]);
}

TEST_F(EtcdElectionTest, ALeaderWithoutAnAnswerIsInDoubtUntilItsTimeIsUp) {
  Member a(&loop_, &etcd_, "a", /*stands=*/true, absl::Seconds(30));
  Settle();
  etcd_.down = true;
  Advance(absl::Seconds(29));
  EXPECT_EQ(a.doubts, 1);
  EXPECT_TRUE(a.deposed.empty());
  EXPECT_FALSE(a->MayAct());
  EXPECT_TRUE(a->InDoubt());
  Advance(absl::Seconds(2));
  EXPECT_EQ(a.deposed.size(), 1U);
  EXPECT_FALSE(a->InDoubt());
}

TEST_F(EtcdElectionTest, ALeaderInDoubtEndsWhenItsKeyIsGone) {
  Member a(&loop_, &etcd_, "a", /*stands=*/true, absl::Seconds(30));
  const auto b = Join("b");
  a.cut = true;
  Advance(absl::Seconds(6));
  EXPECT_TRUE(b->leads());
  EXPECT_TRUE(a->InDoubt());
  a.cut = false;
  Advance(absl::Seconds(2));
  EXPECT_FALSE(a->InDoubt());
  EXPECT_EQ(a.deposed.size(), 1U);
}

TEST_F(EtcdElectionTest, ALeaderInDoubtBeginsAnewWhenEtcdAnswersAgain) {
  Member a(&loop_, &etcd_, "a", /*stands=*/true, absl::Seconds(30));
  Settle();
  etcd_.down = true;
  Advance(absl::Milliseconds(2800));
  ASSERT_TRUE(a->InDoubt());
  etcd_.down = false;  // Before the lease has lapsed there.
  Advance(absl::Seconds(2));
  ASSERT_EQ(a.epochs.size(), 2U);
  EXPECT_GT(a.epochs[1], a.epochs[0]);
  EXPECT_TRUE(a->MayAct());
}

TEST_F(EtcdElectionTest, AKeyThatWasGivenUpWhileEtcdWasAwayLeadsForNobody) {
  const auto a = Join("a");
  const auto b = Join("b");
  etcd_.down = true;
  Advance(absl::Milliseconds(2800));  // Both have given up; their leases live on.
  ASSERT_FALSE(a->leads());
  etcd_.down = false;
  Advance(absl::Milliseconds(1500));
  EXPECT_TRUE(a->leads() || b->leads());
}

}  // namespace
}  // namespace muster

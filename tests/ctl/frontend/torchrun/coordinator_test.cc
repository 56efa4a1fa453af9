#include "ctl/frontend/torchrun/coordinator.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

using Kind = LeaderMessage::Kind;

class CoordinatorTest : public testing::Test {
 protected:
  CoordinatorTest() : loop_(&clock_) {}

  void Make(bool is_static, int min_nodes, int max_nodes, int max_restarts = 0) {
    Coordinator::Options options;
    options.rendezvous.run_id = "j";
    options.rendezvous.is_static = is_static;
    options.rendezvous.min_nodes = min_nodes;
    options.rendezvous.max_nodes = max_nodes;
    options.rendezvous.join_timeout = absl::Seconds(600);
    options.rendezvous.last_call_timeout = absl::Seconds(30);
    options.max_restarts = max_restarts;
    settings_ = options.rendezvous;
    coordinator_ = std::make_unique<Coordinator>(
        options, &loop_,
        [this](int node, const LeaderMessage& message) {
          sent_.push_back({node, message});
        },
        [this](int round) { return port_ + round; });
    coordinator_->Start();
  }

  NodeFacts Facts(const std::string& host, int node_rank = -1, int nproc = 2) const {
    NodeFacts facts;
    facts.run_id = "j";
    facts.backend = settings_.is_static ? "static" : "c10d";
    facts.min_nodes = settings_.min_nodes;
    facts.max_nodes = settings_.max_nodes;
    facts.node_rank = node_rank;
    facts.nproc = nproc;
    facts.role = "default";
    facts.host = host;
    return facts;
  }

  void Hello(int node, const NodeFacts& facts) {
    NodeMessage message;
    message.kind = NodeMessage::Kind::kHello;
    message.facts = facts;
    coordinator_->OnMessage(node, message);
  }

  void Say(int node, NodeMessage::Kind kind, int round, const std::string& text = "",
           bool fatal = false) {
    NodeMessage message;
    message.kind = kind;
    message.round = round;
    message.text = text;
    message.fatal = fatal;
    message.failure.rank = 3;
    message.failure.exit_code = 7;
    message.failure.pid = 12;
    coordinator_->OnMessage(node, message);
  }

  // The last message to a node; kAlive where there was none since the last Forget().
  LeaderMessage Last(int node) const {
    LeaderMessage last;
    for (const auto& [to, message] : sent_) {
      if (to == node) last = message;
    }
    return last;
  }
  void Forget() { sent_.clear(); }
  void Advance(absl::Duration duration) {
    clock_.Advance(duration);
    while (loop_.RunDue()) {
    }
  }
  void StartTwo(int max_restarts = 0) {
    Make(/*is_static=*/false, 2, 2, max_restarts);
    Hello(0, Facts("a"));
    Hello(1, Facts("b"));
    Forget();
  }

  FakeClock clock_;
  EventLoop loop_;
  RendezvousSettings settings_;
  int port_ = 100;
  std::vector<std::pair<int, LeaderMessage>> sent_;
  std::unique_ptr<Coordinator> coordinator_;
};

TEST_F(CoordinatorTest, AllStartOnceTheLastIsHere) {
  Make(/*is_static=*/false, 2, 2);
  Hello(0, Facts("a"));
  EXPECT_EQ(Last(0).kind, Kind::kWaiting);
  EXPECT_EQ(Last(0).text, "1 of 2 nodes is here: a; missing: 1 more");
  EXPECT_EQ(Last(0).seconds, 600);
  Hello(1, Facts("b", -1, 3));
  ASSERT_EQ(Last(0).kind, Kind::kWorld);
  const WorldPlace place = Last(1).place;
  EXPECT_EQ(place.group_rank, 1);
  EXPECT_EQ(place.group_world_size, 2);
  EXPECT_EQ(place.first_rank, 2);
  EXPECT_EQ(place.world_size, 5);
  EXPECT_EQ(place.first_role_rank, 2);
  EXPECT_EQ(place.role_world_size, 5);
  EXPECT_EQ(place.master_port, 101);
  EXPECT_EQ(place.restart_count, 0);
}

TEST_F(CoordinatorTest, StaticNodesAreOrderedByTheirRankNotByTheirArrival) {
  Make(/*is_static=*/true, 3, 3);
  Hello(0, Facts("a", 0));
  Hello(1, Facts("c", 2));
  EXPECT_EQ(Last(1).text,
            "2 of 3 nodes are here: a (node_rank 0), c (node_rank 2); missing: node_rank 1");
  Hello(2, Facts("b", 1));
  EXPECT_EQ(Last(1).place.group_rank, 2);
  EXPECT_EQ(Last(2).place.group_rank, 1);
}

TEST_F(CoordinatorTest, RolesHaveRanksOfTheirOwn) {
  Make(/*is_static=*/false, 2, 2);
  NodeFacts other = Facts("b");
  other.role = "reader";
  Hello(0, Facts("a"));
  Hello(1, other);
  EXPECT_EQ(Last(1).place.first_rank, 2);
  EXPECT_EQ(Last(1).place.first_role_rank, 0);
  EXPECT_EQ(Last(1).place.role_world_size, 2);
}

TEST_F(CoordinatorTest, EnoughNodesWaitOneLastCallForMore) {
  Make(/*is_static=*/false, 1, 3);
  Hello(0, Facts("a"));
  EXPECT_EQ(Last(0).text, "1 of 3 nodes is here: a; enough to start, 2 more may come");
  EXPECT_EQ(Last(0).seconds, 30);
  Advance(absl::Seconds(29));
  Hello(1, Facts("b"));
  EXPECT_EQ(Last(0).kind, Kind::kWaiting);
  Advance(absl::Seconds(2));
  EXPECT_EQ(Last(0).kind, Kind::kWorld);
  EXPECT_EQ(Last(1).place.group_world_size, 2);
}

TEST_F(CoordinatorTest, TooFewNodesEndTheJobAndAreCounted) {
  Make(/*is_static=*/true, 2, 2);
  Hello(0, Facts("a", 0));
  Advance(absl::Seconds(601));
  EXPECT_EQ(Last(0).kind, Kind::kFail);
  EXPECT_EQ(Last(0).text,
            "rendezvous: gave up after 10m: 1 of 2 nodes is here: a (node_rank 0); missing: "
            "node_rank 1");
  EXPECT_TRUE(coordinator_->ended());
}

TEST_F(CoordinatorTest, RefusesWhoDoesNotBelongAndGoesOn) {
  StartTwo();
  const struct {
    void (*change)(NodeFacts*);
    const char* text;
  } kCases[] = {
      {[](NodeFacts* facts) {},
       "the job has all its 2 nodes (--nnodes); this one would be one too many"},
      {[](NodeFacts* facts) { facts->run_id = "k"; },
       "this is the rendezvous of --rdzv_id=j, and this node has --rdzv_id=k"},
      {[](NodeFacts* facts) { facts->backend = "static"; },
       "this rendezvous has --rdzv_backend=c10d, and this node has static"},
      {[](NodeFacts* facts) { facts->max_nodes = 4; },
       "this job has --nnodes=2:2, and this node has --nnodes=2:4"},
  };
  int node = 2;
  for (const auto& test : kCases) {
    NodeFacts facts = Facts("c");
    test.change(&facts);
    Hello(node, facts);
    EXPECT_EQ(Last(node).kind, Kind::kRefused);
    EXPECT_EQ(Last(node).text, test.text);
    coordinator_->OnLost(node++, "it left");
  }
  EXPECT_EQ(Last(0).kind, Kind::kAlive) << "the job was disturbed";
  EXPECT_EQ(Last(1).kind, Kind::kAlive);
}

TEST_F(CoordinatorTest, ANodeRankIsTakenOnce) {
  Make(/*is_static=*/true, 3, 3);
  Hello(0, Facts("a", 0));
  Hello(1, Facts("b", 0));
  EXPECT_EQ(Last(1).kind, Kind::kRefused);
  EXPECT_EQ(Last(1).text, "--node_rank=0 is taken by a; each node needs its own");
}

TEST_F(CoordinatorTest, TheJobSucceedsWhenAllHave) {
  StartTwo();
  Say(1, NodeMessage::Kind::kSucceeded, 1);
  EXPECT_EQ(Last(0).kind, Kind::kAlive);
  Say(0, NodeMessage::Kind::kSucceeded, 1);
  EXPECT_EQ(Last(0).kind, Kind::kSuccess);
  EXPECT_EQ(Last(1).kind, Kind::kSuccess);
}

TEST_F(CoordinatorTest, AFailureWithoutRestartsFailsEverybody) {
  StartTwo();
  Say(1, NodeMessage::Kind::kFailed, 1);
  EXPECT_EQ(Last(0).kind, Kind::kFail);
  EXPECT_EQ(Last(0).text, "rank 3 on b failed (exitcode: 7, pid: 12)");
  ASSERT_TRUE(Last(0).failure);
  EXPECT_EQ(Last(0).failure->exit_code, 7);
  Forget();
  Say(0, NodeMessage::Kind::kFailed, 1);
  EXPECT_EQ(Last(0).kind, Kind::kAlive) << "only the first failure counts";
}

TEST_F(CoordinatorTest, ARestartStopsAllThenStartsAllOnANewPort) {
  StartTwo(/*max_restarts=*/1);
  Say(1, NodeMessage::Kind::kFailed, 1);
  EXPECT_EQ(Last(0).kind, Kind::kStop);
  EXPECT_EQ(Last(0).text,
            "rank 3 on b failed (exitcode: 7, pid: 12); starting all workers again, restart 1 of "
            "1");
  Say(0, NodeMessage::Kind::kFailed, 1);  // Fallout.
  Say(0, NodeMessage::Kind::kStopped, 1);
  EXPECT_EQ(Last(0).kind, Kind::kStop);
  Say(1, NodeMessage::Kind::kStopped, 1);
  ASSERT_EQ(Last(1).kind, Kind::kWorld);
  EXPECT_EQ(Last(1).place.restart_count, 1);
  EXPECT_EQ(Last(1).place.group_rank, 1);
  EXPECT_EQ(Last(1).place.master_port, 102);
  Say(1, NodeMessage::Kind::kFailed, 1);  // Of the round before.
  EXPECT_EQ(Last(1).kind, Kind::kWorld);
  Say(1, NodeMessage::Kind::kFailed, 2);
  EXPECT_EQ(Last(0).kind, Kind::kFail) << "the budget is the job's";
}

TEST_F(CoordinatorTest, WhoSucceededStartsAgainWithTheOthers) {
  StartTwo(/*max_restarts=*/1);
  Say(0, NodeMessage::Kind::kSucceeded, 1);
  Say(1, NodeMessage::Kind::kFailed, 1);
  Say(0, NodeMessage::Kind::kStopped, 1);
  Say(1, NodeMessage::Kind::kStopped, 1);
  Say(1, NodeMessage::Kind::kSucceeded, 2);
  EXPECT_EQ(Last(0).kind, Kind::kWorld);
  Say(0, NodeMessage::Kind::kSucceeded, 2);
  EXPECT_EQ(Last(0).kind, Kind::kSuccess);
}

TEST_F(CoordinatorTest, ALostNodeFailsTheJobWithoutRestarts) {
  StartTwo();
  coordinator_->OnLost(1, "it closed the connection");
  EXPECT_EQ(Last(0).kind, Kind::kFail);
  EXPECT_EQ(Last(0).text, "b is gone: it closed the connection");
  EXPECT_FALSE(Last(0).failure);
}

TEST_F(CoordinatorTest, ALostNodeCostsARestartAndGetsItsOldRankWhenItComesBack) {
  Make(/*is_static=*/false, 3, 3, /*max_restarts=*/1);
  Hello(0, Facts("a"));
  Hello(1, Facts("b"));
  Hello(2, Facts("c"));
  coordinator_->OnLost(1, "x");
  EXPECT_EQ(Last(0).kind, Kind::kStop);
  Say(0, NodeMessage::Kind::kStopped, 1);
  Say(2, NodeMessage::Kind::kStopped, 1);
  EXPECT_EQ(Last(0).kind, Kind::kWaiting);
  Hello(3, Facts("b"));
  ASSERT_EQ(Last(3).kind, Kind::kWorld);
  EXPECT_EQ(Last(3).place.group_rank, 1);
  EXPECT_EQ(Last(2).place.group_rank, 2);
  EXPECT_EQ(Last(3).place.restart_count, 1);
  coordinator_->OnLost(3, "x");
  EXPECT_EQ(Last(0).kind, Kind::kFail) << "leaving and coming back gives no new budget";
}

TEST_F(CoordinatorTest, AnElasticJobGoesOnWithThoseThatAreLeft) {
  Make(/*is_static=*/false, 1, 2, /*max_restarts=*/1);
  Hello(0, Facts("a"));
  Hello(1, Facts("b"));
  coordinator_->OnLost(1, "x");
  Say(0, NodeMessage::Kind::kStopped, 1);
  EXPECT_EQ(Last(0).kind, Kind::kWaiting);
  Advance(absl::Seconds(31));
  ASSERT_EQ(Last(0).kind, Kind::kWorld);
  EXPECT_EQ(Last(0).place.group_world_size, 1);
}

TEST_F(CoordinatorTest, ANodeThatJoinsLaterCostsNoRestart) {
  Make(/*is_static=*/false, 1, 2);
  Hello(0, Facts("a"));
  Advance(absl::Seconds(31));
  ASSERT_EQ(Last(0).kind, Kind::kWorld);
  Hello(1, Facts("b"));
  EXPECT_EQ(Last(0).kind, Kind::kStop);
  EXPECT_EQ(Last(0).text, "b joins; starting all workers again with it");
  Say(0, NodeMessage::Kind::kStopped, 1);
  Say(1, NodeMessage::Kind::kStopped, 1);
  ASSERT_EQ(Last(1).kind, Kind::kWorld);
  EXPECT_EQ(Last(1).place.restart_count, 0);
  EXPECT_EQ(Last(1).place.group_world_size, 2);
}

TEST_F(CoordinatorTest, ANodeThatIsDoneMayGo) {
  StartTwo(/*max_restarts=*/1);
  Say(1, NodeMessage::Kind::kSucceeded, 1);
  coordinator_->OnLost(1, "x");
  EXPECT_EQ(Last(0).kind, Kind::kAlive);
  Say(0, NodeMessage::Kind::kSucceeded, 1);
  EXPECT_EQ(Last(0).kind, Kind::kSuccess);
}

TEST_F(CoordinatorTest, NoRestartHelpsAgainstAFatalEnd) {
  StartTwo(/*max_restarts=*/5);
  Say(1, NodeMessage::Kind::kLeaving, 1, "worker 2: no such program", /*fatal=*/true);
  EXPECT_EQ(Last(0).kind, Kind::kFail);
  EXPECT_EQ(Last(0).text, "b: worker 2: no such program");
}

TEST_F(CoordinatorTest, ANodeThatIsLostWhileAllStopIsNotWaitedFor) {
  StartTwo(/*max_restarts=*/1);
  Say(0, NodeMessage::Kind::kFailed, 1);
  Say(0, NodeMessage::Kind::kStopped, 1);
  coordinator_->OnLost(1, "x");
  EXPECT_EQ(Last(0).kind, Kind::kWaiting);
  EXPECT_EQ(Last(0).text, "1 of 2 nodes is here: a; missing: 1 more");
}

TEST_F(CoordinatorTest, NobodyJoinsAJobThatHasEnded) {
  StartTwo();
  Say(0, NodeMessage::Kind::kFailed, 1);
  Hello(2, Facts("c"));
  EXPECT_EQ(Last(2).kind, Kind::kRefused);
  EXPECT_EQ(Last(2).text, "the job has ended");
}

TEST_F(CoordinatorTest, RefusesANodeThatCannotBe) {
  Make(/*is_static=*/true, 2, 2);
  Hello(0, Facts("a", 0));
  Hello(1, Facts("b", 2));
  EXPECT_EQ(Last(1).kind, Kind::kRefused);
  EXPECT_EQ(Last(1).text, "--node_rank=2: with --nnodes=2 it is 0 to 1");
  Hello(2, Facts("b", 1, 2000000000));
  EXPECT_EQ(Last(2).text, "a node has 1 to 10000 workers, and this one has 2000000000");
}

TEST_F(CoordinatorTest, NamesAFewOfManyThatAreMissing) {
  Make(/*is_static=*/true, 1000, 1000);
  Hello(0, Facts("a", 0));
  EXPECT_NE(Last(0).text.find("node_rank 15, node_rank 16, 983 more"), std::string::npos)
      << Last(0).text;
}

}  // namespace
}  // namespace muster

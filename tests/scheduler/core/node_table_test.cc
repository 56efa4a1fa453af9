#include "scheduler/core/node_table.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

class NodeTableTest : public testing::Test {
 protected:
  static NodeTable::Options Options() {
    NodeTable::Options options;
    options.suspect_after = absl::Seconds(3);
    options.lost_after = absl::Seconds(10);
    return options;
  }

  void Connect(uint64_t session) {
    v1::NodeHello hello;
    hello.mutable_info()->set_id("a");
    hello.mutable_info()->set_name("a");
    hello.mutable_info()->set_incarnation(1);
    ASSERT_TRUE(nodes_.Connect(hello, session, [] {}).ok());
  }
  v1::NodeState State() { return nodes_.List().at(0).state(); }

  FakeClock clock_;
  NodeTable nodes_{Options(), &clock_,
                   [](const std::string&) { return std::unique_ptr<AgentChannel>(); }};
};

TEST_F(NodeTableTest, AClosedStreamMakesANodeSuspect) {
  Connect(1);
  nodes_.Disconnect(1);
  EXPECT_EQ(State(), v1::NODE_STATE_SUSPECT);
}

// In a black hole the stream is given up only after the keep-alive, long after the silence was
// seen.
TEST_F(NodeTableTest, ALostNodeWhoseStreamIsClosedAtLastStaysLost) {
  Connect(1);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(nodes_.CheckSilence().lost.size(), 1);
  nodes_.Disconnect(1);
  EXPECT_EQ(State(), v1::NODE_STATE_LOST);
  EXPECT_EQ(nodes_.CheckSilence().lost.size(), 0);
  Connect(2);
  EXPECT_EQ(State(), v1::NODE_STATE_READY);
}

TEST_F(NodeTableTest, ANodeThatIsLostForLongIsForgottenIfNobodyNeedsIt) {
  Connect(1);
  nodes_.Disconnect(1);
  clock_.Advance(absl::Hours(2));
  nodes_.CheckSilence();
  nodes_.Forget(absl::Hours(3), {});
  EXPECT_EQ(State(), v1::NODE_STATE_LOST);
  nodes_.Forget(absl::Hours(1), {"a"});
  EXPECT_EQ(State(), v1::NODE_STATE_LOST);
  nodes_.SetOrders({"a", /*cordoned=*/true});
  nodes_.Forget(absl::Hours(1), {});
  EXPECT_EQ(State(), v1::NODE_STATE_LOST);
  nodes_.SetOrders({"a"});
  nodes_.Forget(absl::Hours(1), {});
  EXPECT_TRUE(nodes_.List().empty());
  Connect(2);
  nodes_.Forget(absl::ZeroDuration(), {});
  EXPECT_EQ(State(), v1::NODE_STATE_READY);
}

}  // namespace
}  // namespace muster

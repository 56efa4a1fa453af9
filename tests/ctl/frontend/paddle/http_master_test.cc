// Several nodes of one job in one process, over loopback. Typed from paddle.md, section 2.1.
#include "ctl/frontend/paddle/http_master.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Nodes = absl::StatusOr<PaddleNodes>;

// For another thread. A copied Status shares its text by a count, and tsan does not see the half of
// it that Abseil's library keeps.
Nodes Unshared(const Nodes& nodes) {
  if (nodes.ok()) return nodes;
  return absl::Status(nodes.status().code(), nodes.status().message());
}

class HttpMasterTest : public ::testing::Test {
 protected:
  void TearDown() override {
    loop_.Call([this] { masters_.clear(); });
  }

  HttpMaster* Open(int size, absl::Duration timeout = absl::Seconds(60)) {
    HttpMaster::Options options;
    options.host = "127.0.0.1";
    options.port = masters_.empty() ? 0 : masters_.front()->port();
    options.serve = true;  // All are on the master's host: the first one serves.
    options.job_id = "job";
    options.size = size;
    options.timeout = timeout;
    loop_.Call([&] {
      masters_.push_back(std::make_unique<HttpMaster>(loop_.loop(), &log_, options));
      const absl::Status opened = masters_.back()->Open();
      EXPECT_TRUE(opened.ok()) << opened;
    });
    return masters_.back().get();
  }
  std::future<Nodes> Join(HttpMaster* master, const PaddleNode& node) {
    auto answer = std::make_shared<std::promise<Nodes>>();
    loop_.Call(
        [&] { master->Join(node, [answer](const Nodes& n) { answer->set_value(Unshared(n)); }); });
    return answer->get_future();
  }
  static Nodes Take(std::future<Nodes> coming) {
    EXPECT_EQ(coming.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    return coming.get();
  }

  LaunchLog log_{"CRITICAL"};
  LoopThread loop_;
  std::vector<std::unique_ptr<HttpMaster>> masters_;
};

std::vector<std::string> Names(const Nodes& nodes) {
  std::vector<std::string> names;
  if (!nodes.ok()) return names;
  for (const PaddleNode& node : nodes->nodes) names.push_back(node.name);
  return names;
}

TEST_F(HttpMasterTest, TheNodeThatServesIsRankZero) {
  HttpMaster* const first = Open(2);
  HttpMaster* const second = Open(2);
  EXPECT_TRUE(first->serves());
  EXPECT_FALSE(second->serves());
  PaddleNode server = TestNode(0, 1);
  server.name = "zzzzzz";
  PaddleNode other = TestNode(1, 1);
  other.name = "bbbbbb";
  std::future<Nodes> of_other = Join(second, other);
  std::future<Nodes> of_server = Join(first, server);
  const Nodes at_server = Take(std::move(of_server));
  const Nodes at_other = Take(std::move(of_other));
  EXPECT_THAT(Names(at_server), ElementsAre("zzzzzz", "bbbbbb")) << at_server.status();
  EXPECT_THAT(Names(at_other), ElementsAre("zzzzzz", "bbbbbb")) << at_other.status();
  EXPECT_EQ(at_server->own, 0);
  EXPECT_EQ(at_other->own, 1);
}

TEST_F(HttpMasterTest, SaysAtTheDeadlineWhoCame) {
  HttpMaster* const master = Open(3, absl::Milliseconds(300));
  const Nodes nodes = Take(Join(master, TestNode(0, 1)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(nodes.status())) << nodes.status();
  EXPECT_THAT(std::string(nodes.status().message()), HasSubstr("1 of 3 nodes are here: 10.0.0.1"));
}

TEST_F(HttpMasterTest, SaysThatTheMasterIsNotThere) {
  HttpMaster::Options options;
  options.host = "127.0.0.1";
  options.port = 1;  // Nobody listens there.
  options.job_id = "job";
  options.size = 2;
  options.timeout = absl::Milliseconds(300);
  loop_.Call([&] {
    masters_.push_back(std::make_unique<HttpMaster>(loop_.loop(), &log_, options));
    EXPECT_TRUE(masters_.back()->Open().ok());
  });
  const Nodes nodes = Take(Join(masters_.back().get(), TestNode(0, 1)));
  EXPECT_TRUE(absl::IsDeadlineExceeded(nodes.status())) << nodes.status();
  EXPECT_THAT(std::string(nodes.status().message()), HasSubstr("the master 127.0.0.1:1 was not"));
}

TEST_F(HttpMasterTest, TwoNodesOfOneRankEndAtOnce) {
  HttpMaster* const first = Open(2);
  HttpMaster* const second = Open(2);
  PaddleNode one = TestNode(0, 1);
  PaddleNode two = TestNode(1, 1);
  one.rank = two.rank = 0;
  std::future<Nodes> of_one = Join(first, one);
  const Nodes nodes = Take(Join(second, two));
  EXPECT_TRUE(absl::IsInvalidArgument(nodes.status())) << nodes.status();
  EXPECT_TRUE(absl::IsInvalidArgument(Take(std::move(of_one)).status()));
}

TEST_F(HttpMasterTest, ANodeThatLeavesMakesRoomForAnother) {
  HttpMaster* const first = Open(2);
  HttpMaster* const gone = Open(2);
  HttpMaster* const last = Open(2);
  // Both would be enough, so the first one joins when the other has gone.
  const auto never = Join(gone, TestNode(1, 1));
  std::promise<void> left;
  loop_.Call([&] { gone->Leave([&left] { left.set_value(); }); });
  ASSERT_EQ(left.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  std::future<Nodes> of_first = Join(first, TestNode(0, 1));
  const Nodes nodes = Take(Join(last, TestNode(2, 1)));
  EXPECT_THAT(Names(nodes), ElementsAre("node0", "node2")) << nodes.status();
  EXPECT_TRUE(Take(std::move(of_first)).ok());
}

}  // namespace
}  // namespace muster

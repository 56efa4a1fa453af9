// The states that drop-in launchers write beside Paddle's protocol, over a real server.
#include "ctl/frontend/paddle/peer_watch.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "common/base/event_loop.h"
#include "ctl/frontend/rendezvous/kv_client.h"
#include "ctl/frontend/rendezvous/kv_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::StartsWith;

// One launcher of a job.
struct Launcher {
  std::unique_ptr<KvClient> client;
  std::unique_ptr<PeerWatch> watch;
  std::promise<PeerFailure> failure;
};

class PeerWatchTest : public ::testing::Test {
 protected:
  void SetUp() override { server_ = *KvServer::Start(0); }
  void TearDown() override {
    loop_.Call([this] {
      for (Launcher* const launcher : {&serving_, &other_}) {
        launcher->watch.reset();
        launcher->client.reset();
      }
    });
  }
  void Start(Launcher* launcher, const std::string& name, bool serves) {
    loop_.Call([&] {
      launcher->client = KvClient::Create(loop_.loop(), "127.0.0.1", server_->port());
      launcher->watch = std::make_unique<PeerWatch>(loop_.loop(), launcher->client.get(), "job",
                                                    name, "10.0.0." + name, serves, /*peers=*/1);
      launcher->watch->Start(
          [launcher](const PeerFailure& failure) { launcher->failure.set_value(failure); });
    });
  }
  void End(Launcher* launcher, int exit_code, const std::string& what) {
    std::promise<void> told;
    loop_.Call([&] { launcher->watch->End(exit_code, what, [&told] { told.set_value(); }); });
    ASSERT_EQ(told.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  }
  std::string State(const std::string& name) {
    const auto states = server_->WithPrefix("/muster/job/" + name);
    return states.empty() ? "" : states.begin()->second;
  }

  LoopThread loop_;
  std::unique_ptr<KvServer> server_;
  Launcher serving_;
  Launcher other_;
};

TEST_F(PeerWatchTest, AFailureReachesTheOtherNodeWithItsCode) {
  Start(&serving_, "1", true);
  Start(&other_, "2", false);
  End(&other_, 3, "process 0 ended with exit code 3");
  std::future<PeerFailure> coming = serving_.failure.get_future();
  ASSERT_EQ(coming.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  const PeerFailure failure = coming.get();
  EXPECT_EQ(failure.exit_code, 3);
  EXPECT_EQ(failure.node, "10.0.0.2");
  EXPECT_EQ(failure.what, "process 0 ended with exit code 3");
}

TEST_F(PeerWatchTest, AFailureIsNeverASuccess) {
  server_->Put("/muster/job/2", "failed 256 10.0.0.2 out of range");
  Start(&serving_, "1", true);
  std::future<PeerFailure> coming = serving_.failure.get_future();
  ASSERT_EQ(coming.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(coming.get().exit_code, 1);
}

TEST_F(PeerWatchTest, TheServingNodeStaysUntilTheOthersKnow) {
  Start(&serving_, "1", true);
  Start(&other_, "2", false);
  End(&serving_, 7, "process 1 ended with exit code 7");
  // By the time that the end is told, the other launcher has read it.
  std::future<PeerFailure> coming = other_.failure.get_future();
  ASSERT_EQ(coming.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(coming.get().exit_code, 7);
}

TEST_F(PeerWatchTest, AGoodEndIsNoFailure) {
  Start(&serving_, "1", true);
  Start(&other_, "2", false);
  End(&other_, 0, "");
  EXPECT_EQ(State("2"), "completed - 10.0.0.2");
  End(&serving_, 0, "");
  EXPECT_EQ(State("1"), "completed - 10.0.0.1");
  EXPECT_EQ(serving_.failure.get_future().wait_for(std::chrono::seconds(0)),
            std::future_status::timeout);
}

TEST_F(PeerWatchTest, WritesNothingThatARealLauncherAsksFor) {
  Start(&serving_, "1", true);
  End(&serving_, 0, "");
  for (const auto& [key, value] : server_->WithPrefix("/")) {
    if (key == "/healthy") continue;
    EXPECT_THAT(key, StartsWith("/muster/job/")) << value;
  }
}

}  // namespace
}  // namespace muster

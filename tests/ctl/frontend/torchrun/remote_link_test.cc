// Those who listen where a leader should.
#include "ctl/frontend/torchrun/remote_link.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/torchrun/sockets.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

class RemoteLinkTest : public ::testing::Test {
 protected:
  RemoteLinkTest() {
    absl::StatusOr<UniqueFd> listener = ListenAt("127.0.0.1", 0);
    EXPECT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    sockaddr_in address = {};
    socklen_t size = sizeof(address);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~RemoteLinkTest() override {
    loop_.Call([this] { link_.reset(); });
  }

  void Open(absl::Duration join_timeout) {
    loop_.Call([this, join_timeout] {
      link_ = std::make_unique<RemoteLink>(loop_.loop(), "127.0.0.1", port_, join_timeout);
      LeaderLink::Callbacks callbacks;
      callbacks.on_message = [](const LeaderMessage&) {};
      callbacks.on_waiting = [this](const std::string& text, int) { waiting_ = text; };
      callbacks.on_lost = [this](const std::string& why) { lost_.set_value(why); };
      link_->Open(std::move(callbacks));
      link_->Send(NodeMessage());
    });
  }
  std::string Lost() {
    std::future<std::string> lost = lost_.get_future();
    const bool came = lost.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    return came ? lost.get() : "not lost";
  }

  UniqueFd listener_;
  int port_ = 0;
  LoopThread loop_;
  std::unique_ptr<RemoteLink> link_;
  std::string waiting_;  // The loop's, as last said.
  std::promise<std::string> lost_;
};

TEST_F(RemoteLinkTest, WhoListensAndSaysNothingIsReportedAndLeftAtTheTimeout) {
  Open(absl::Seconds(1));
  EXPECT_THAT(Lost(), HasSubstr("who listens there says nothing"));
  std::string waiting;
  loop_.Call([&] { waiting = waiting_; });
  EXPECT_THAT(waiting, HasSubstr("says nothing; a torchrun would"));
}

TEST_F(RemoteLinkTest, AnotherProgramIsNoLauncherThatEnded) {
  Open(absl::Seconds(60));
  pollfd ready = {listener_.get(), POLLIN, 0};
  ASSERT_EQ(poll(&ready, 1, 20000), 1);
  const UniqueFd other(accept(listener_.get(), nullptr, nullptr));
  ASSERT_TRUE(other.valid());
  ASSERT_EQ(send(other.get(), "SSH-2.0-x\r\n", 11, MSG_NOSIGNAL), 11);
  const std::string lost = Lost();
  EXPECT_THAT(lost, HasSubstr("what it sends is no message of this launcher"));
  EXPECT_THAT(lost, HasSubstr("another program"));
}

}  // namespace
}  // namespace muster

#include "agent/sd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

// systemd's end of the socket. `name` as in $NOTIFY_SOCKET.
class Listener {
 public:
  explicit Listener(const std::string& name)
      : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string Receive() {
    char buffer[256];
    const ssize_t n = recv(fd_.get(), buffer, sizeof(buffer), 0);
    return n < 0 ? "nothing" : std::string(buffer, n);
  }

 private:
  const UniqueFd fd_;
};

TEST(SdNotifyTest, SendsOneDatagramForEachState) {
  TempTree tree("/tmp");
  Listener systemd(tree.Path("notify"));
  const auto notify = SdNotify::FromEnvironment();
  ASSERT_TRUE(notify.ok()) << notify.status();
  notify->Send("READY=1");
  notify->Send("STOPPING=1");
  EXPECT_EQ(systemd.Receive(), "READY=1");
  EXPECT_EQ(systemd.Receive(), "STOPPING=1");
  EXPECT_EQ(systemd.Receive(), "nothing");
}

TEST(SdNotifyTest, TakesAbstractSockets) {
  Listener systemd(absl::StrCat("@muster-test-", getpid()));
  const auto notify = SdNotify::FromEnvironment();
  ASSERT_TRUE(notify.ok()) << notify.status();
  notify->Send("READY=1");
  EXPECT_EQ(systemd.Receive(), "READY=1");
}

TEST(SdNotifyTest, KnowsTheWatchdogOfThisProcessOnly) {
  TempTree tree("/tmp");
  Listener systemd(tree.Path("notify"));
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", absl::StrCat(getpid()).c_str(), 1);
  EXPECT_EQ(SdNotify::FromEnvironment()->watchdog(), absl::Seconds(30));

  setenv("NOTIFY_SOCKET", tree.Path("notify").c_str(), 1);
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(SdNotify::FromEnvironment()->watchdog(), absl::ZeroDuration());
}

TEST(SdNotifyTest, LeavesNothingToChildren) {
  TempTree tree("/tmp");
  Listener systemd(tree.Path("notify"));
  setenv("WATCHDOG_USEC", "1000000", 1);
  ASSERT_TRUE(SdNotify::FromEnvironment().ok());
  EXPECT_EQ(getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(getenv("WATCHDOG_USEC"), nullptr);
}

TEST(SdNotifyTest, DoesNothingWithoutSystemd) {
  unsetenv("NOTIFY_SOCKET");
  const auto notify = SdNotify::FromEnvironment();
  ASSERT_TRUE(notify.ok());
  notify->Send("READY=1");
  EXPECT_EQ(notify->watchdog(), absl::ZeroDuration());
}

TEST(SdNotifyTest, RefusesWhatMakesNoSense) {
  setenv("NOTIFY_SOCKET", "relative", 1);
  EXPECT_EQ(SdNotify::FromEnvironment().status().code(), absl::StatusCode::kInvalidArgument);
  setenv("NOTIFY_SOCKET", "/x", 1);
  setenv("WATCHDOG_USEC", "soon", 1);
  EXPECT_EQ(SdNotify::FromEnvironment().status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster

#include "agent/listener.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

UniqueFd ListenOnUnix(const std::string& path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(listen(fd.get(), 1), 0);
  return fd;
}

TEST(ListenerTest, MakesTheDirectoryOfASocket) {
  TempTree tree("/tmp");
  EXPECT_TRUE(PrepareListener("unix:" + tree.Path("a/b/x.sock")).ok());
  EXPECT_TRUE(PathExists(tree.Path("a/b")));
}

TEST(ListenerTest, RemovesASocketThatNobodyAnswersOn) {
  TempTree tree("/tmp");
  const std::string path = tree.Path("x.sock");
  ListenOnUnix(path).reset();
  ASSERT_TRUE(PathExists(path));
  EXPECT_TRUE(PrepareListener("unix:" + path).ok());
  EXPECT_FALSE(PathExists(path));
}

TEST(ListenerTest, LeavesALivingSocketAlone) {
  TempTree tree("/tmp");
  const std::string path = tree.Path("x.sock");
  const UniqueFd server = ListenOnUnix(path);
  EXPECT_EQ(PrepareListener("unix:" + path).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(PathExists(path));
}

TEST(ListenerTest, LeavesAFileAlone) {
  TempTree tree("/tmp");
  const std::string path = tree.Write("x.sock", "precious");
  EXPECT_EQ(PrepareListener("unix:" + path).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(PathExists(path));
}

TEST(ListenerTest, SaysWhenAPortIsTaken) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(fd.get(), 1), 0);
  ASSERT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  const std::string name = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));

  const absl::Status status = PrepareListener(name);

  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(absl::StrContains(status.message(), name)) << status;
  EXPECT_TRUE(PrepareListener("127.0.0.1:0").ok());
}

TEST(ListenerTest, SaysWhenAnAddressIsNotThisHosts) {
  EXPECT_FALSE(PrepareListener("192.0.2.1:7070").ok());
}

}  // namespace
}  // namespace muster

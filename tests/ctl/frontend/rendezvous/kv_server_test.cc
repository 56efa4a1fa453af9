#include "ctl/frontend/rendezvous/kv_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/event_loop.h"
#include "common/base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

// One request as Python's clients write it, over a plain socket; the whole answer.
std::string Ask(int port, const std::string& request) {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval timeout = {10, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return "";
  EXPECT_EQ(write(fd.get(), request.data(), request.size()), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd.get(), buffer, sizeof(buffer))) > 0;) {
    answer.append(buffer, static_cast<size_t>(n));
  }
  return answer;
}

std::string Request(const std::string& method, const std::string& path,
                    const std::string& body = "") {
  return absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n",
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
}

class KvServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<std::unique_ptr<KvServer>> server = KvServer::Start(0);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  std::string Send(const std::string& method, const std::string& path,
                   const std::string& body = "") {
    return Ask(server_->port(), Request(method, path, body));
  }

  std::unique_ptr<KvServer> server_;
};

// paddle.md 2.1, KV protocol, line by line.
TEST_F(KvServerTest, IsHealthyFromTheStart) {
  EXPECT_THAT(Send("GET", "/healthy"), EndsWith("\r\n\r\n{\"/healthy\": \"ok\"}"));
}

TEST_F(KvServerTest, PutsByPostAndByPut) {
  EXPECT_THAT(Send("POST", "/default/info/a/-1", "{\"rank\": -1}"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Send("PUT", "/default/info/b/-1", "two"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(server_->WithPrefix("/default"),
              UnorderedElementsAre(Pair("/default/info/a/-1", "{\"rank\": -1}"),
                                   Pair("/default/info/b/-1", "two")));
}

TEST_F(KvServerTest, GetsAllKeysThatStartWithThePath) {
  server_->Put("/job/info/a", "1\"2");
  server_->Put("/job/information", "3");
  server_->Put("/jo", "4");
  EXPECT_THAT(Send("GET", "/job/info"),
              EndsWith("{\"/job/info/a\": \"1\\\"2\", \"/job/information\": \"3\"}"));
}

TEST_F(KvServerTest, SaysNotFoundWhereThereIsNoKey) {
  EXPECT_THAT(Send("GET", "/nothing"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Send("DELETE", "/nothing"), StartsWith("HTTP/1.1 404"));
}

TEST_F(KvServerTest, Deletes) {
  server_->Put("/a", "1");
  EXPECT_THAT(Send("DELETE", "/a"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(server_->WithPrefix("/a").empty());
}

TEST_F(KvServerTest, TakesKeysWithEscapesAsTheyAre) {
  Send("PUT", "/a%20b?c=d", "1");
  EXPECT_THAT(server_->WithPrefix("/a"), UnorderedElementsAre(Pair("/a%20b?c=d", "1")));
}

TEST_F(KvServerTest, AnswersRubbishWithoutDying) {
  Ask(server_->port(), "\x01\x02 nonsense\r\n\r\n");
  Ask(server_->port(), "POST /a HTTP/1.1\r\nContent-Length: -5\r\n\r\n");
  EXPECT_THAT(Send("GET", "/healthy"), HasSubstr("200"));
}

TEST_F(KvServerTest, RefusesWhatWouldSpoilEveryLaterAnswer) {
  EXPECT_THAT(Send("PUT", "/a", "\xff\xfe"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Send("PUT", "/\xff", "a"), StartsWith("HTTP/1.1 400"));
  EXPECT_TRUE(server_->WithPrefix("/a").empty());
}

TEST_F(KvServerTest, RefusesAPortThatIsTaken) {
  const absl::Status second = KvServer::Start(server_->port()).status();
  EXPECT_TRUE(absl::IsAlreadyExists(second)) << second;
  EXPECT_THAT(std::string(second.message()), HasSubstr(absl::StrCat(server_->port())));
}

TEST_F(KvServerTest, TellsItsOwnerOfChanges) {
  EventLoop loop;
  server_->Notify(&loop, [&loop] { loop.Stop(); });
  const EventLoop::TimerId deadline = loop.After(absl::Seconds(10), [&loop] {
    ADD_FAILURE() << "no change was told";
    loop.Stop();
  });
  Send("PUT", "/a", "1");
  loop.Run();
  loop.Cancel(deadline);
  server_.reset();
}

}  // namespace
}  // namespace muster

#include "ctl/frontend/rendezvous/kv_client.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>

#include "common/base/unique_fd.h"
#include "ctl/frontend/rendezvous/kv_server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

using Keys = absl::StatusOr<std::map<std::string, std::string>>;

class KvClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = *KvServer::Start(0);
    loop_.Call([this] { client_ = KvClient::Create(loop_.loop(), "127.0.0.1", server_->port()); });
  }
  void TearDown() override {
    loop_.Call([this] { client_.reset(); });
  }
  // Calls on the loop, and waits for the answer.
  template <typename Result, typename Call>
  Result Await(const Call& call) {
    std::promise<Result> answer;
    std::future<Result> coming = answer.get_future();
    loop_.loop()->Post(
        [&] { call([&answer](const Result& result) { answer.set_value(result); }); });
    EXPECT_EQ(coming.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    return coming.get();
  }
  absl::Status Put(const std::string& key, const std::string& value) {
    return Await<absl::Status>([&](auto done) { client_->Put(key, value, done); });
  }
  Keys Get(const std::string& prefix) {
    return Await<Keys>([&](auto done) { client_->WithPrefix(prefix, done); });
  }

  LoopThread loop_;
  std::unique_ptr<KvServer> server_;
  std::unique_ptr<KvClient> client_;
};

TEST_F(KvClientTest, PutsAndGets) {
  const absl::Status put = Put("/job/info/a", "{\"x\": \"\xc3\xa4\\n\"}");
  EXPECT_TRUE(put.ok()) << put;
  const auto keys = Get("/job");
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(*keys, ElementsAre(Pair("/job/info/a", "{\"x\": \"\xc3\xa4\\n\"}")));
}

TEST_F(KvClientTest, FindsNothingWithoutAnError) {
  const auto keys = Get("/nothing");
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(*keys, IsEmpty());
}

TEST_F(KvClientTest, Erases) {
  server_->Put("/a", "1");
  for (int i = 0; i < 2; ++i) {
    const auto erased = Await<absl::Status>([&](auto done) { client_->Erase("/a", done); });
    EXPECT_TRUE(erased.ok()) << erased;
  }
  EXPECT_THAT(server_->WithPrefix("/a"), IsEmpty());
}

TEST_F(KvClientTest, EscapesWhatAnUrlCannotHold) {
  EXPECT_TRUE(Put("/my job/\xc3\xa4", "1").ok());
  EXPECT_THAT(server_->WithPrefix("/"), ::testing::Contains(Pair("/my%20job/%C3%A4", "1")));
}

TEST_F(KvClientTest, KnowsAMasterByItsHealth) {
  const auto check = [this](auto done) { client_->CheckHealth(done); };
  absl::Status health = Await<absl::Status>(check);
  EXPECT_TRUE(health.ok()) << health;
  server_->Erase("/healthy");
  health = Await<absl::Status>(check);
  EXPECT_TRUE(absl::IsUnavailable(health)) << health;
}

TEST_F(KvClientTest, SaysThatNobodyAnswers) {
  const int port = server_->port();
  server_.reset();
  const auto keys = Get("/");
  EXPECT_TRUE(absl::IsUnavailable(keys.status())) << keys.status();
  EXPECT_THAT(std::string(keys.status().message()), HasSubstr(std::to_string(port)));
}

// A byte now and then keeps a connection alive for ever; a call it does not.
TEST_F(KvClientTest, DoesNotWaitForAnAnswerThatDrips) {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener.get(), generic, size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), generic, &size), 0);
  std::atomic<bool> over{false};
  std::thread dripping([&listener, &over] {
    const UniqueFd fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    pollfd gone = {fd.get(), POLLRDHUP, 0};
    while (!over && send(fd.get(), "H", 1, MSG_NOSIGNAL) == 1) poll(&gone, 1, 20);
  });
  loop_.Call([this, &address] {
    client_ = KvClient::Create(loop_.loop(), "127.0.0.1", ntohs(address.sin_port),
                               absl::Milliseconds(200));
  });
  const auto keys = Get("/");
  over = true;
  dripping.join();
  EXPECT_TRUE(absl::IsUnavailable(keys.status())) << keys.status();
}

TEST_F(KvClientTest, IsSilentAfterItsEnd) {
  loop_.Call([this] {
    client_->WithPrefix("/", [](const auto&) { ADD_FAILURE() << "called after the end"; });
    client_.reset();
  });
  loop_.Call([] {});
}

}  // namespace
}  // namespace muster

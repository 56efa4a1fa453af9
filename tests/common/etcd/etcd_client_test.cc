// Against a real etcd, of Debian's etcd-server.
#include "common/etcd/etcd_client.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/fs.h"
#include "common/base/mutex.h"
#include "common/base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kEtcd[] = "/usr/bin/etcd";

int FreePort() {
  const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// One etcd of one member, on loopback, in a directory of its own.
class EtcdServer {
 public:
  EtcdServer() : port_(FreePort()), peer_port_(FreePort()) {
    std::string dir = absl::StrCat(getenv("TEST_TMPDIR"), "/etcd-XXXXXX");
    dir_ = mkdtemp(dir.data());
    Start();
  }
  ~EtcdServer() {
    Kill();
    EXPECT_TRUE(RemoveTree(dir_).ok());
  }
  void Start() {
    const std::string client = absl::StrCat("http://127.0.0.1:", port_);
    const std::string peer = absl::StrCat("http://127.0.0.1:", peer_port_);
    std::vector<std::string> argv = {
        kEtcd,
        absl::StrCat("--data-dir=", dir_, "/data"),
        absl::StrCat("--listen-client-urls=", client),
        absl::StrCat("--advertise-client-urls=", client),
        absl::StrCat("--listen-peer-urls=", peer),
        absl::StrCat("--initial-advertise-peer-urls=", peer),
        absl::StrCat("--initial-cluster=default=", peer),
        "--log-level=error",
    };
    std::vector<char*> pointers;
    for (std::string& word : argv) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    EXPECT_EQ(posix_spawn(&pid_, kEtcd, &actions, nullptr, pointers.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::string endpoint() const { return absl::StrCat("127.0.0.1:", port_); }

 private:
  const int port_;
  const int peer_port_;
  std::string dir_;
  pid_t pid_ = 0;
};

class EtcdClientTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new EtcdServer(); }
  static void TearDownTestSuite() { delete server_; }

  void SetUp() override {
    EtcdClientOptions options;
    options.endpoints = {server_->endpoint()};
    loop_.Call([&] { etcd_ = *MakeEtcdClient(loop_.loop(), options); });
    AwaitReady();
    Await<int64_t>([&](auto done) { etcd_->Delete("", /*prefix=*/true, done); }).IgnoreError();
  }
  void TearDown() override {
    loop_.Call([this] {
      stream_.reset();
      etcd_.reset();
    });
  }
  // A fresh etcd takes a moment; the calls wait for it, not this test.
  void AwaitReady() {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while (absl::Now() < deadline) {
      if (Await<EtcdRange>([&](auto done) { etcd_->Get("/", false, done); }).ok()) return;
    }
    FAIL() << "etcd does not answer";
  }

  // Calls on the loop, and waits for the answer.
  template <typename T, typename Call>
  absl::StatusOr<T> Await(const Call& call) {
    std::promise<absl::StatusOr<T>> answer;
    std::future<absl::StatusOr<T>> coming = answer.get_future();
    loop_.loop()->Post(
        [&] { call([&answer](const absl::StatusOr<T>& result) { answer.set_value(result); }); });
    EXPECT_EQ(coming.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    return coming.get();
  }
  template <typename Call>
  absl::Status AwaitStatus(const Call& call) {
    return Await<bool>([&](auto done) {
             call([done](const absl::Status& status) {
               status.ok() ? done(true) : done(absl::StatusOr<bool>(status));
             });
           })
        .status();
  }
  int64_t Put(const std::string& key, const std::string& value, int64_t lease = 0) {
    const auto put = Await<int64_t>([&](auto done) { etcd_->Put(key, value, lease, done); });
    EXPECT_TRUE(put.ok()) << put.status();
    return put.value_or(0);
  }
  std::vector<std::string> Keys(const std::string& prefix) {
    const auto range = Await<EtcdRange>([&](auto done) { etcd_->Get(prefix, true, done); });
    std::vector<std::string> keys;
    if (!range.ok()) return keys;
    for (const EtcdEntry& entry : range->entries) keys.push_back(entry.key + "=" + entry.value);
    return keys;
  }
  // A watch that writes down what it is told.
  EtcdWatchHandler Note() {
    EtcdWatchHandler handler;
    handler.on_events = [this](const std::vector<EtcdEvent>& events) {
      const MutexLock lock(&mutex_);
      for (const EtcdEvent& event : events) {
        seen_.push_back(event.deleted ? absl::StrCat("-", event.entry.key)
                                      : absl::StrCat(event.entry.key, "=", event.entry.value));
      }
      if (seen_.size() >= wanted_) std::exchange(enough_, std::promise<void>()).set_value();
    };
    return handler;
  }
  void Watch(int64_t revision, EtcdWatchHandler handler) {
    loop_.Call([&] { stream_ = etcd_->Watch("/w/", /*prefix=*/true, revision, handler); });
  }
  // What was noted, once there is so much.
  std::vector<std::string> Seen(size_t wanted) {
    std::future<void> enough;
    {
      const MutexLock lock(&mutex_);
      if (seen_.size() >= wanted) return seen_;
      wanted_ = wanted;
      enough = enough_.get_future();
    }
    EXPECT_EQ(enough.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    const MutexLock lock(&mutex_);
    return seen_;
  }

  static EtcdServer* server_;
  LoopThread loop_;
  std::unique_ptr<Etcd> etcd_;
  std::unique_ptr<EtcdStream> stream_;
  Mutex mutex_;
  std::vector<std::string> seen_ ABSL_GUARDED_BY(mutex_);
  size_t wanted_ ABSL_GUARDED_BY(mutex_) = 1;
  std::promise<void> enough_ ABSL_GUARDED_BY(mutex_);
};

EtcdServer* EtcdClientTest::server_ = nullptr;

TEST_F(EtcdClientTest, PutsAndGetsByKeyAndByPrefix) {
  Put("/a/1", "one");
  const int64_t revision = Put("/a/2", "two");
  Put("/b", "three");
  EXPECT_THAT(Keys("/a/"), ElementsAre("/a/1=one", "/a/2=two"));
  const auto one = Await<EtcdRange>([&](auto done) { etcd_->Get("/a/2", false, done); });
  ASSERT_TRUE(one.ok());
  ASSERT_THAT(one->entries, SizeIs(1));
  EXPECT_EQ(one->entries[0].mod_revision, revision);
  EXPECT_EQ(one->entries[0].create_revision, revision);
  EXPECT_EQ(one->entries[0].version, 1);
  EXPECT_GT(one->revision, revision);
}

TEST_F(EtcdClientTest, DeletesAPrefixAndCounts) {
  Put("/a/1", "");
  Put("/a/2", "");
  Put("/b", "");
  const auto deleted = Await<int64_t>([&](auto done) { etcd_->Delete("/a/", true, done); });
  EXPECT_EQ(deleted.value_or(-1), 2);
  EXPECT_THAT(Keys("/"), ElementsAre("/b="));
}

TEST_F(EtcdClientTest, CommitsOnlyWhenTheConditionHolds) {
  EtcdTxn txn;  // An election's first step: make the key if nobody has.
  EtcdCompare absent;
  absent.what = EtcdCompare::What::kCreateRevision;
  absent.key = "/leader";
  txn.compares = {absent};
  txn.success = {{EtcdOp::Kind::kPut, "/leader", false, "", "me", 0}};
  txn.failure = {{EtcdOp::Kind::kGet, "/leader", false, "", "", 0}};
  const auto first = Await<EtcdTxnResult>([&](auto done) { etcd_->Commit(txn, done); });
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->succeeded);
  const auto second = Await<EtcdTxnResult>([&](auto done) { etcd_->Commit(txn, done); });
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->succeeded);
  ASSERT_THAT(second->gets, SizeIs(1));
  EXPECT_EQ(second->gets[0].entries.at(0).value, "me");
}

TEST_F(EtcdClientTest, ALeaseTakesItsKeysAlong) {
  const auto lease = Await<int64_t>([&](auto done) { etcd_->Grant(absl::Seconds(60), done); });
  ASSERT_TRUE(lease.ok()) << lease.status();
  Put("/leased", "1", *lease);
  const absl::Status revoked = AwaitStatus([&](auto done) { etcd_->Revoke(*lease, done); });
  EXPECT_TRUE(revoked.ok()) << revoked;
  EXPECT_THAT(Keys("/leased"), IsEmpty());
  const auto put = Await<int64_t>([&](auto done) { etcd_->Put("/x", "", *lease, done); });
  EXPECT_TRUE(absl::IsNotFound(put.status())) << put.status();
}

TEST_F(EtcdClientTest, AKeepAliveOutlivesTheLeasesTime) {
  const auto lease = Await<int64_t>([&](auto done) { etcd_->Grant(absl::Seconds(2), done); });
  ASSERT_TRUE(lease.ok());
  Put("/kept", "1", *lease);
  std::promise<absl::Status> lost;
  loop_.Call([&] {
    stream_ = etcd_->KeepAlive(*lease, absl::Seconds(2),
                               [&](const absl::Status& status) { lost.set_value(status); });
  });
  // Twice its time, and a bit.
  EXPECT_EQ(lost.get_future().wait_for(std::chrono::seconds(5)), std::future_status::timeout);
  EXPECT_THAT(Keys("/kept"), SizeIs(1));
  loop_.Call([this] { stream_.reset(); });
}

TEST_F(EtcdClientTest, AKeepAliveSaysThatTheLeaseIsGone) {
  const absl::Status lost =
      AwaitStatus([&](auto done) { stream_ = etcd_->KeepAlive(12345, absl::Seconds(30), done); });
  EXPECT_TRUE(absl::IsNotFound(lost)) << lost;
}

TEST_F(EtcdClientTest, WatchesAPrefixFromARevisionOn) {
  const int64_t revision = Put("/w/1", "a");
  Put("/w/2", "b");
  Put("/other", "x");
  Watch(revision + 1, Note());
  Await<int64_t>([&](auto done) { etcd_->Delete("/w/1", false, done); }).IgnoreError();
  Put("/w/3", "c");
  EXPECT_THAT(Seen(3), ElementsAre("/w/2=b", "-/w/1", "/w/3=c"));
}

TEST_F(EtcdClientTest, AWatchThatEndedIsSilent) {
  Watch(0, Note());
  loop_.Call([this] { stream_.reset(); });
  Put("/w/1", "a");
  EXPECT_THAT(Seen(0), IsEmpty());
}

TEST_F(EtcdClientTest, AWatchGoesOnAfterEtcdCameBack) {
  const int64_t revision = Put("/w/1", "a");
  std::promise<void> broken;
  EtcdWatchHandler handler = Note();
  bool told = false;  // The loop's.
  handler.on_state = [&](const absl::Status& status) {
    if (!status.ok() && !std::exchange(told, true)) broken.set_value();
  };
  Watch(revision, handler);
  EXPECT_THAT(Seen(1), ElementsAre("/w/1=a"));
  server_->Kill();
  EXPECT_EQ(broken.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  server_->Start();
  AwaitReady();
  Put("/w/2", "b");
  EXPECT_THAT(Seen(2), ElementsAre("/w/1=a", "/w/2=b"));
  loop_.Call([this] { stream_.reset(); });
}

TEST_F(EtcdClientTest, AWatchTellsOfWhatWasCompactedAway) {
  const int64_t revision = Put("/w/1", "a");
  const int64_t newest = Put("/w/2", "b");
  ASSERT_EQ(system(absl::StrCat("ETCDCTL_API=3 /usr/bin/etcdctl --endpoints=", server_->endpoint(),
                                " compact ", newest, " >/dev/null")
                       .c_str()),
            0);
  std::promise<void> gap;
  EtcdWatchHandler handler = Note();
  handler.on_gap = [&] { gap.set_value(); };
  Watch(revision, handler);
  ASSERT_EQ(gap.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  Put("/w/3", "c");  // The watch already stands again.
  EXPECT_THAT(Seen(1), ElementsAre("/w/3=c"));
  loop_.Call([this] { stream_.reset(); });
}

TEST_F(EtcdClientTest, CallsEndWhenNobodyAnswers) {
  EtcdClientOptions options;
  options.endpoints = {absl::StrCat("127.0.0.1:", FreePort())};
  options.timeout = absl::Seconds(2);
  std::unique_ptr<Etcd> nobody;
  loop_.Call([&] { nobody = *MakeEtcdClient(loop_.loop(), options); });
  const auto range = Await<EtcdRange>([&](auto done) { nobody->Get("/", false, done); });
  EXPECT_TRUE(absl::IsUnavailable(range.status()) || absl::IsDeadlineExceeded(range.status()))
      << range.status();
  loop_.Call([&] { nobody.reset(); });
}

TEST_F(EtcdClientTest, IsSilentAfterItsEnd) {
  loop_.Call([this] {
    etcd_->Get("/", false, [](const auto&) { ADD_FAILURE() << "called after the end"; });
    etcd_.reset();
  });
  loop_.Call([] {});
}

TEST(EtcdClientOptionsTest, RefusesWhatIsNoAddress) {
  EventLoop loop;
  EtcdClientOptions options;
  EXPECT_TRUE(absl::IsInvalidArgument(MakeEtcdClient(&loop, options).status()));
  options.endpoints = {"nonsense"};
  EXPECT_TRUE(absl::IsInvalidArgument(MakeEtcdClient(&loop, options).status()));
}

}  // namespace
}  // namespace muster

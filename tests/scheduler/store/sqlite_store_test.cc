#include "scheduler/store/sqlite_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

JobRecord MakeRecord(const std::string& id, int payload = 0) {
  JobRecord record;
  record.job.set_id(id);
  record.job.mutable_status()->set_state(v1::JOB_STATE_QUEUED);
  record.job.mutable_status()->mutable_submit_time()->set_seconds(1700000000);
  record.job.mutable_status()->set_reason(std::string(static_cast<size_t>(payload), 'x'));
  return record;
}

std::unique_ptr<StateStore> OpenOrDie(const std::string& path, EventLoop* loop) {
  SqliteStoreOptions options;
  options.path = path;
  options.first_retry = absl::Milliseconds(1);
  absl::StatusOr<std::unique_ptr<StateStore>> store = OpenSqliteStore(options, loop);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

absl::Status StatusOfOpen(const std::string& path) {
  EventLoop loop;
  SqliteStoreOptions options;
  options.path = path;
  absl::StatusOr<std::unique_ptr<StateStore>> store = OpenSqliteStore(options, &loop);
  return store.ok() ? (*store)->Load().status() : store.status();
}

// Runs the loop until `done`; the test's own timeout is the limit.
void RunUntil(EventLoop* loop, const std::function<bool()>& done) {
  while (!done()) {
    if (!loop->RunDue()) usleep(200);
  }
}

absl::Status CommitAndWait(EventLoop* loop, StateStore* store, StateBatch batch) {
  bool answered = false;
  absl::Status result;
  store->Commit(std::move(batch), [&](const absl::Status& status) {
    answered = true;
    result = status;
  });
  RunUntil(loop, [&] { return answered; });
  return result;
}

StateBatch Put(const JobRecord& record) {
  StateBatch batch;
  batch.put_jobs.push_back(record);
  return batch;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void WriteAll(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

TEST(SqliteStoreTest, GivesBackWhatWasCommitted) {
  TempTree tree;
  EventLoop loop;
  const std::string path = tree.Path("s.db");
  {
    auto store = OpenOrDie(path, &loop);
    ASSERT_TRUE(store->Load().ok());
    StateBatch batch = Put(MakeRecord("a-1"));
    batch.put_jobs[0].stop_cause = StopCause::kCancelled;
    batch.put_jobs[0].stop_reason = "cancelled: no need";
    batch.put_jobs.push_back(MakeRecord("b-1"));
    batch.put_requests.push_back({"r-1", "a-1", absl::FromUnixSeconds(1700000000)});
    ASSERT_TRUE(CommitAndWait(&loop, store.get(), std::move(batch)).ok());
    StateBatch removal;
    removal.remove_jobs.push_back("b-1");
    ASSERT_TRUE(CommitAndWait(&loop, store.get(), std::move(removal)).ok());
  }
  const absl::StatusOr<StoredState> state = OpenOrDie(path, &loop)->Load();

  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->epoch, 2);
  ASSERT_EQ(state->jobs.size(), 1U);
  EXPECT_EQ(state->jobs[0].job.id(), "a-1");
  EXPECT_EQ(state->jobs[0].stop_cause, StopCause::kCancelled);
  EXPECT_EQ(state->jobs[0].stop_reason, "cancelled: no need");
  ASSERT_EQ(state->requests.size(), 1U);
  EXPECT_EQ(state->requests[0].made, absl::FromUnixSeconds(1700000000));
}

TEST(SqliteStoreTest, ForgetsOldRequests) {
  TempTree tree;
  EventLoop loop;
  auto store = OpenOrDie(tree.Path("s.db"), &loop);
  StateBatch batch;
  batch.put_requests.push_back({"old", "a-1", absl::FromUnixSeconds(100)});
  batch.put_requests.push_back({"new", "a-1", absl::FromUnixSeconds(200)});
  ASSERT_TRUE(CommitAndWait(&loop, store.get(), std::move(batch)).ok());
  StateBatch forget;
  forget.forget_requests_before = absl::FromUnixSeconds(150);
  ASSERT_TRUE(CommitAndWait(&loop, store.get(), std::move(forget)).ok());

  EXPECT_EQ(store->Load()->requests.size(), 1U);
}

TEST(SqliteStoreTest, AnswersInOrderAndBarriersLast) {
  TempTree tree;
  EventLoop loop;
  auto store = OpenOrDie(tree.Path("s.db"), &loop);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    store->Commit(Put(MakeRecord(absl::StrCat("j-", i))),
                  [&order, i](const absl::Status&) { order.push_back(i); });
  }
  store->Commit({}, [&order](const absl::Status&) { order.push_back(99); });
  RunUntil(&loop, [&] { return order.size() == 4; });

  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 99}));
}

TEST(SqliteStoreTest, ASecondOwnerIsRefused) {
  TempTree tree;
  EventLoop loop;
  auto store = OpenOrDie(tree.Path("s.db"), &loop);

  const absl::Status second = StatusOfOpen(tree.Path("s.db"));

  EXPECT_TRUE(absl::IsFailedPrecondition(second)) << second;
  EXPECT_THAT(std::string(second.message()), HasSubstr(tree.Path("s.db")));
}

TEST(SqliteStoreTest, EveryAcknowledgedCommitOutlivesAKill) {
  TempTree tree;
  const std::string path = tree.Path("s.db");
  int64_t acknowledged = 0;
  for (int round = 0; round < 10; ++round) {
    int acks[2];
    ASSERT_EQ(pipe(acks), 0);
    const pid_t child = fork();
    if (child == 0) {
      EventLoop loop;
      auto store = OpenOrDie(path, &loop);
      if (!store->Load().ok()) _exit(1);
      for (int i = 0;; ++i) {
        const JobRecord record = MakeRecord(absl::StrCat("r", round, "-", i), 500);
        if (!CommitAndWait(&loop, store.get(), Put(record)).ok()) _exit(1);
        if (write(acks[1], "x", 1) != 1) _exit(1);
      }
    }
    close(acks[1]);
    char byte;
    const int kills_after = 3 + 7 * round;
    for (int i = 0; i < kills_after && read(acks[0], &byte, 1) == 1; ++i) ++acknowledged;
    kill(child, SIGKILL);
    while (read(acks[0], &byte, 1) == 1) ++acknowledged;
    close(acks[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }
  EventLoop loop;
  const absl::StatusOr<StoredState> state = OpenOrDie(path, &loop)->Load();

  ASSERT_TRUE(state.ok()) << state.status();
  const auto stored = static_cast<int64_t>(state->jobs.size());
  EXPECT_GE(stored, acknowledged);
  EXPECT_LE(stored, acknowledged + 10);  // One per round may have been done and not said.
  EXPECT_EQ(state->epoch, 11);
}

TEST(SqliteStoreTest, AFullDiskRefusesNewWorkAndHealsForTheRest) {
  TempTree tree;
  EventLoop loop;
  auto store = OpenOrDie(tree.Path("s.db"), &loop);
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 64 << 10;  // What a full disk looks like to write(2), but for the errno.
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);

  bool recorded = false;
  store->Commit(Put(MakeRecord("exit-1", 200 << 10)), [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok());
    recorded = true;
  });
  StateBatch fresh = Put(MakeRecord("new-1", 200 << 10));
  fresh.refuse_when_full = true;
  const absl::Status refused = CommitAndWait(&loop, store.get(), std::move(fresh));
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_FALSE(recorded);
  EXPECT_FALSE(store->Full().ok());

  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  RunUntil(&loop, [&] { return recorded; });
  EXPECT_TRUE(store->Full().ok());
  const absl::StatusOr<StoredState> state = store->Load();
  ASSERT_EQ(state->jobs.size(), 1U);
  EXPECT_EQ(state->jobs[0].job.id(), "exit-1");
}

TEST(SqliteStoreTest, AFailedCommitIsFatalAndNothingIsAcknowledgedAfterIt) {
  TempTree tree;
  EventLoop loop;
  const std::string path = tree.Path("s.db");
  bool died = false;
  SqliteStoreOptions options;
  options.path = path;
  options.on_fatal = [&](const absl::Status& status) {
    loop.Post([&died, status] {
      EXPECT_TRUE(absl::IsInternal(status)) << status;
      died = true;
    });
  };
  auto store = *OpenSqliteStore(options, &loop);
  ASSERT_TRUE(CommitAndWait(&loop, store.get(), Put(MakeRecord("a-1"))).ok());
  // The log's descriptor goes bad beneath SQLite.
  for (int fd = 3; fd < 64; ++fd) {
    char target[256] = {};
    const std::string link = absl::StrCat("/proc/self/fd/", fd);
    if (readlink(link.c_str(), target, sizeof(target) - 1) <= 0) continue;
    if (std::string(target) != path + "-wal") continue;
    const int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(dup2(read_only, fd), 0);
    close(read_only);
  }
  bool answered = false;
  store->Commit(Put(MakeRecord("b-1")), [&](const absl::Status&) { answered = true; });
  RunUntil(&loop, [&] { return died; });
  store->Commit(Put(MakeRecord("c-1")), [&](const absl::Status&) { answered = true; });
  loop.RunDue();

  EXPECT_FALSE(answered);
}

// A damaged file is either refused with a line that names it, or gives exactly what was stored.
TEST(SqliteStoreTest, DamageOfAnyPageIsNeverSilent) {
  TempTree tree;
  const std::string path = tree.Path("s.db");
  {
    EventLoop loop;
    auto store = OpenOrDie(path, &loop);
    ASSERT_TRUE(store->Load().ok());
    for (int i = 0; i < 20; ++i) {
      StateBatch batch = Put(MakeRecord(absl::StrCat("job-", i), 900));
      batch.put_requests.push_back(
          {absl::StrCat("r-", i), absl::StrCat("job-", i), absl::FromUnixSeconds(i)});
      ASSERT_TRUE(CommitAndWait(&loop, store.get(), std::move(batch)).ok());
    }
  }
  const std::string good = ReadAll(path);
  ASSERT_GT(good.size(), 8U * 4096);
  int refused = 0;
  for (size_t offset = 0; offset < good.size(); offset += 509) {
    std::string bad = good;
    bad[offset] = static_cast<char>(bad[offset] ^ 0x5a);
    WriteAll(path, bad);
    EventLoop loop;
    SqliteStoreOptions options;
    options.path = path;
    absl::StatusOr<std::unique_ptr<StateStore>> store = OpenSqliteStore(options, &loop);
    const absl::StatusOr<StoredState> state =
        store.ok() ? (*store)->Load() : absl::StatusOr<StoredState>(store.status());
    if (!state.ok()) {
      ++refused;
      EXPECT_THAT(std::string(state.status().message()), HasSubstr(path));
      continue;
    }
    ASSERT_EQ(state->jobs.size(), 20U) << "offset " << offset;
    ASSERT_EQ(state->requests.size(), 20U) << "offset " << offset;
    for (const JobRecord& record : state->jobs) {
      ASSERT_EQ(record.job.status().reason(), std::string(900, 'x')) << "offset " << offset;
    }
  }
  EXPECT_GT(refused, 20);
}

TEST(SqliteStoreTest, TruncationIsNeverSilent) {
  TempTree tree;
  const std::string path = tree.Path("s.db");
  {
    EventLoop loop;
    auto store = OpenOrDie(path, &loop);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(
          CommitAndWait(&loop, store.get(), Put(MakeRecord(absl::StrCat("j-", i), 900))).ok());
    }
  }
  const std::string good = ReadAll(path);
  for (size_t size = 0; size < good.size(); size += 1024) {
    WriteAll(path, good.substr(0, size));
    const absl::Status status = StatusOfOpen(path);
    EXPECT_TRUE(absl::IsDataLoss(status)) << size << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  }
}

TEST(SqliteStoreTest, AnotherProgramsFileIsLeftAlone) {
  TempTree tree;
  const std::string path = tree.Write("s.db", std::string(8192, 'z'));

  EXPECT_FALSE(StatusOfOpen(path).ok());
  EXPECT_EQ(ReadAll(path), std::string(8192, 'z'));
}

}  // namespace
}  // namespace muster

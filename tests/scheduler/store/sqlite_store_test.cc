#include "scheduler/store/sqlite_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

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

// A store on a loop with a thread of its own. Its calls wait for their answers.
class Store {
 public:
  explicit Store(const std::string& path) : Store(MakeOptions(path)) {}
  explicit Store(const SqliteStoreOptions& options) {
    thread_.Call([&] {
      absl::StatusOr<std::unique_ptr<StateStore>> store = OpenSqliteStore(options, thread_.loop());
      EXPECT_TRUE(store.ok()) << store.status();
      store_ = *std::move(store);
    });
  }
  ~Store() {
    thread_.Call([this] { store_.reset(); });
  }

  absl::StatusOr<StoredState> Load() {
    absl::StatusOr<StoredState> state = absl::UnknownError("");
    thread_.Call([&] { state = store_->Load(); });
    return state;
  }
  // The answer comes later, and is got by get().
  std::future<absl::Status> Begin(StateBatch batch) {
    auto answer = std::make_shared<std::promise<absl::Status>>();
    thread_.Call([&] {
      store_->Commit(std::move(batch),
                     [answer](const absl::Status& status) { answer->set_value(status); });
    });
    return answer->get_future();
  }
  absl::Status Commit(StateBatch batch) { return Begin(std::move(batch)).get(); }
  absl::Status Full() {
    absl::Status full;
    thread_.Call([&] { full = store_->Full(); });
    return full;
  }
  // Lets the loop do all that was posted so far.
  void Settle() {
    thread_.Call([] {});
  }

 private:
  static SqliteStoreOptions MakeOptions(const std::string& path) {
    SqliteStoreOptions options;
    options.path = path;
    options.first_retry = absl::Milliseconds(1);
    return options;
  }

  LoopThread thread_;
  std::unique_ptr<StateStore> store_;
};

bool IsReady(const std::future<absl::Status>& answer) {
  return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

absl::Status StatusOfOpen(const std::string& path) {
  EventLoop loop;
  SqliteStoreOptions options;
  options.path = path;
  absl::StatusOr<std::unique_ptr<StateStore>> store = OpenSqliteStore(options, &loop);
  return store.ok() ? (*store)->Load().status() : store.status();
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
  const std::string path = tree.Path("s.db");
  {
    Store store(path);
    ASSERT_TRUE(store.Load().ok());
    StateBatch batch = Put(MakeRecord("a-1"));
    batch.put_jobs[0].stop_cause = StopCause::kCancelled;
    batch.put_jobs[0].stop_reason = "cancelled: no need";
    batch.put_jobs.push_back(MakeRecord("b-1"));
    batch.put_requests.push_back({"r-1", "a-1", absl::FromUnixSeconds(1700000000)});
    ASSERT_TRUE(store.Commit(std::move(batch)).ok());
    StateBatch removal;
    removal.remove_jobs.push_back("b-1");
    ASSERT_TRUE(store.Commit(std::move(removal)).ok());
  }
  const absl::StatusOr<StoredState> state = Store(path).Load();

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
  Store store(tree.Path("s.db"));
  StateBatch batch;
  batch.put_requests.push_back({"old", "a-1", absl::FromUnixSeconds(100)});
  batch.put_requests.push_back({"new", "a-1", absl::FromUnixSeconds(200)});
  ASSERT_TRUE(store.Commit(std::move(batch)).ok());
  StateBatch forget;
  forget.forget_requests_before = absl::FromUnixSeconds(150);
  ASSERT_TRUE(store.Commit(std::move(forget)).ok());

  EXPECT_EQ(store.Load()->requests.size(), 1U);
}

TEST(SqliteStoreTest, AnswersInOrderAndBarriersLast) {
  TempTree tree;
  Store store(tree.Path("s.db"));
  std::vector<std::future<absl::Status>> answers;
  for (int i = 0; i < 3; ++i)
    answers.push_back(store.Begin(Put(MakeRecord(absl::StrCat("j-", i)))));
  EXPECT_TRUE(store.Begin({}).get().ok());

  for (const std::future<absl::Status>& answer : answers) EXPECT_TRUE(IsReady(answer));
}

TEST(SqliteStoreTest, ASecondOwnerIsRefused) {
  TempTree tree;
  Store store(tree.Path("s.db"));

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
      Store store(path);
      if (!store.Load().ok()) _exit(1);
      for (int i = 0;; ++i) {
        const JobRecord record = MakeRecord(absl::StrCat("r", round, "-", i), 500);
        if (!store.Commit(Put(record)).ok()) _exit(1);
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
  const absl::StatusOr<StoredState> state = Store(path).Load();

  ASSERT_TRUE(state.ok()) << state.status();
  const auto stored = static_cast<int64_t>(state->jobs.size());
  EXPECT_GE(stored, acknowledged);
  EXPECT_LE(stored, acknowledged + 10);  // One per round may have been done and not said.
  EXPECT_EQ(state->epoch, 11);
}

TEST(SqliteStoreTest, AFullDiskRefusesNewWorkAndHealsForTheRest) {
  TempTree tree;
  Store store(tree.Path("s.db"));
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 64 << 10;  // What a full disk looks like to write(2), but for the errno.
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);

  std::future<absl::Status> recorded = store.Begin(Put(MakeRecord("exit-1", 200 << 10)));
  StateBatch fresh = Put(MakeRecord("new-1", 200 << 10));
  fresh.refuse_when_full = true;
  const absl::Status refused = store.Commit(std::move(fresh));
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_FALSE(IsReady(recorded));
  EXPECT_FALSE(store.Full().ok());

  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(recorded.get().ok());
  EXPECT_TRUE(store.Full().ok());
  const absl::StatusOr<StoredState> state = store.Load();
  ASSERT_EQ(state->jobs.size(), 1U);
  EXPECT_EQ(state->jobs[0].job.id(), "exit-1");
}

TEST(SqliteStoreTest, AFailedCommitIsFatalAndNothingIsAcknowledgedAfterIt) {
  TempTree tree;
  const std::string path = tree.Path("s.db");
  std::promise<absl::Status> died;
  SqliteStoreOptions options;
  options.path = path;
  options.on_fatal = [&](const absl::Status& status) { died.set_value(status); };
  Store store(options);
  ASSERT_TRUE(store.Commit(Put(MakeRecord("a-1"))).ok());
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
  const std::future<absl::Status> answer = store.Begin(Put(MakeRecord("b-1")));
  const absl::Status fatal = died.get_future().get();
  EXPECT_TRUE(absl::IsInternal(fatal)) << fatal;
  const std::future<absl::Status> later = store.Begin(Put(MakeRecord("c-1")));
  store.Settle();

  EXPECT_FALSE(IsReady(answer));
  EXPECT_FALSE(IsReady(later));
}

// The file without a log beside it: what is damaged is not there a second time.
std::string FileAlone(const std::string& path) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, "SELECT * FROM jobs; PRAGMA wal_checkpoint(TRUNCATE)", nullptr,
                         nullptr, nullptr),
            SQLITE_OK);
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  return ReadAll(path);
}

void WriteAlone(const std::string& path, const std::string& bytes) {
  unlink((path + "-wal").c_str());
  WriteAll(path, bytes);
}

// A damaged file is either refused with a line that names it, or gives exactly what was stored.
TEST(SqliteStoreTest, DamageOfAnyPageIsNeverSilent) {
  TempTree tree;
  const std::string path = tree.Path("s.db");
  {
    Store store(path);
    ASSERT_TRUE(store.Load().ok());
    for (int i = 0; i < 20; ++i) {
      StateBatch batch = Put(MakeRecord(absl::StrCat("job-", i), 900));
      batch.put_requests.push_back(
          {absl::StrCat("r-", i), absl::StrCat("job-", i), absl::FromUnixSeconds(i)});
      ASSERT_TRUE(store.Commit(std::move(batch)).ok());
    }
  }
  const std::string good = FileAlone(path);
  ASSERT_GT(good.size(), 8U * 4096);
  int refused = 0;
  for (size_t offset = 0; offset < good.size(); offset += 509) {
    std::string bad = good;
    bad[offset] = static_cast<char>(bad[offset] ^ 0x5a);
    WriteAlone(path, bad);
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
    Store store(path);
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(store.Commit(Put(MakeRecord(absl::StrCat("j-", i), 900))).ok());
    }
  }
  const std::string good = FileAlone(path);
  for (size_t size = 0; size < good.size(); size += 1024) {
    WriteAlone(path, good.substr(0, size));
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

// The scheduler's file between programs of two versions.
#include <sqlite3.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "scheduler/store/sqlite_db.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

class SqliteVersionsTest : public testing::Test {
 protected:
  // Opens the file, as a program's start does, puts one job more there, and returns how many there
  // were; -1: refused.
  int Use() {
    absl::StatusOr<std::unique_ptr<SqliteDb>> db = SqliteDb::Open(path_);
    opened_ = db.status();
    if (!db.ok()) return -1;
    const absl::StatusOr<StoredState> state = (*db)->Load();
    opened_ = state.status();
    if (!state.ok()) return -1;
    StateBatch batch;
    JobRecord record;
    record.job.set_id("job-" + std::to_string(state->jobs.size()));
    batch.put_jobs.push_back(record);
    batch.put_nodes.push_back({"node-1", true, false, "a test"});
    batch.put_requests.push_back({"request-1", "job-0", absl::FromUnixSeconds(1700000000)});
    EXPECT_TRUE((*db)->Apply({&batch}).ok());
    return static_cast<int>(state->jobs.size());
  }

  // What another version has done.
  void Run(const std::string& sql, const std::string& path = "") {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((path.empty() ? path_ : path).c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }

  TempTree tree_;
  const std::string path_ = tree_.Path("s.db");
  const std::string copy_ = path_ + ".before-upgrade";
  absl::Status opened_;
};

TEST_F(SqliteVersionsTest, AnUpgradeKeepsACopyOfWhatWasThere) {
  ASSERT_EQ(Use(), 0);
  EXPECT_NE(access(copy_.c_str(), F_OK), 0);
  Run("DROP TABLE nodes");
  EXPECT_EQ(Use(), 1);
  EXPECT_EQ(Use(), 2);
  Run("SELECT job FROM jobs WHERE id = 'job-0'", copy_);
}

TEST_F(SqliteVersionsTest, TheNextVersionsFileIsReadAndWritten) {
  ASSERT_EQ(Use(), 0);
  Run("PRAGMA user_version = 2; ALTER TABLE jobs ADD COLUMN pool TEXT NOT NULL DEFAULT '';"
      "ALTER TABLE nodes ADD COLUMN pool TEXT NOT NULL DEFAULT '';"
      "ALTER TABLE requests ADD COLUMN pool TEXT NOT NULL DEFAULT '';"
      "CREATE TABLE pools (name TEXT PRIMARY KEY)");
  EXPECT_EQ(Use(), 1) << opened_;
  EXPECT_EQ(Use(), 2) << opened_;
}

TEST_F(SqliteVersionsTest, TheOneAfterThatIsRefusedAndLeftAlone) {
  ASSERT_EQ(Use(), 0);
  Run("PRAGMA user_version = 3");
  EXPECT_EQ(Use(), -1);
  EXPECT_TRUE(absl::IsFailedPrecondition(opened_)) << opened_;
  Run("PRAGMA user_version = 1");
  EXPECT_EQ(Use(), 1);
}

TEST_F(SqliteVersionsTest, AnEpochThatAnEarlierVersionRaisedIsNoDamage) {
  ASSERT_EQ(Use(), 0);
  Run("UPDATE meta SET value = value + 3 WHERE key = 'epoch'");
  EXPECT_EQ(Use(), 1) << opened_;
}

TEST_F(SqliteVersionsTest, AnEpochBelowItsCopyIs) {
  ASSERT_EQ(Use(), 0);
  ASSERT_EQ(Use(), 1);
  Run("UPDATE meta SET value = value - 1 WHERE key = 'epoch_copy'");
  EXPECT_EQ(Use(), -1);
  EXPECT_TRUE(absl::IsDataLoss(opened_)) << opened_;
}

}  // namespace
}  // namespace muster

#include "scheduler/store/sqlite_log.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

constexpr size_t kFrame = 24 + 4096;
constexpr size_t kFirst = 32;

// A log of `commits` commits of one frame each (the first one makes the table), as its bytes.
std::string LogOf(const std::string& path, int commits) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  const auto run = [db](const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  };
  run("CREATE TABLE t (v)");
  run("PRAGMA journal_mode = WAL");
  for (int i = 0; i < commits; ++i) run(absl::StrCat("INSERT INTO t VALUES (", i, ")"));
  std::string log = ReadFile(path + "-wal").value();  // Before it is closed, and with it removed.
  EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  return log;
}

class SqliteLogTest : public testing::Test {
 protected:
  absl::StatusCode Check(const std::string& log) {
    tree_.Write("log", log);
    return CheckSqliteLog(tree_.Path("log")).code();
  }

  TempTree tree_;
  const std::string log_ = LogOf(tree_.Path("s.db"), 4);
};

TEST_F(SqliteLogTest, ASoundLogAndNoneAreFine) {
  ASSERT_EQ(log_.size(), kFirst + 4 * kFrame);
  EXPECT_EQ(Check(log_), absl::StatusCode::kOk);
  EXPECT_TRUE(CheckSqliteLog(tree_.Path("absent")).ok());
  EXPECT_EQ(Check(""), absl::StatusCode::kOk);
}

TEST_F(SqliteLogTest, ATornTailIsNoDamageWhereverItIsCut) {
  for (size_t size = kFirst; size <= log_.size(); size += 511) {
    EXPECT_EQ(Check(log_.substr(0, size)), absl::StatusCode::kOk) << size;
  }
  std::string zeroed = log_;
  zeroed.replace(kFirst + 3 * kFrame, kFrame, kFrame, '\0');
  EXPECT_EQ(Check(zeroed), absl::StatusCode::kOk);
}

TEST_F(SqliteLogTest, AFlippedBitWithCommitsBehindItIsDamage) {
  for (size_t at = kFirst; at < kFirst + 2 * kFrame; at += 97) {
    std::string flipped = log_;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    EXPECT_EQ(Check(flipped), absl::StatusCode::kDataLoss) << at;
  }
}

TEST_F(SqliteLogTest, AFlippedBitInItsHeadIsDamage) {
  for (size_t at = 0; at < kFirst; ++at) {
    std::string flipped = log_;
    flipped[at] = static_cast<char>(flipped[at] ^ 16);
    EXPECT_EQ(Check(flipped), absl::StatusCode::kDataLoss) << at;
  }
}

}  // namespace
}  // namespace muster

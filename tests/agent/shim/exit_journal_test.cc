#include "agent/shim/exit_journal.h"

#include <stdlib.h>

#include <string>
#include <vector>

#include "common/base/fs.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

JournalRecord Exit(int index, int code) {
  JournalRecord record;
  record.kind = JournalKind::kExit;
  record.index = index;
  record.code = code;
  record.boottime_ns = 123456789;
  record.out_bytes = int64_t{1} << 40;
  return record;
}

// A journal with a header and `exits` exits, as its bytes.
std::string Journal(int exits) {
  const std::string path = std::string(getenv("TEST_TMPDIR")) + "/exits";
  EXPECT_TRUE(RemoveTree(path).ok());
  ExitJournal journal;
  JournalContents contents;
  EXPECT_TRUE(journal.Open(path, exits, /*durable=*/true, &contents));
  for (int i = 0; i < exits; ++i) EXPECT_TRUE(journal.Append(Exit(i, i)));
  EXPECT_TRUE(journal.Sync());
  return ReadFile(path).value();
}

TEST(ExitJournalTest, ReadsBackWhatWasAppended) {
  const JournalContents contents = DecodeJournal(Journal(3));
  EXPECT_TRUE(contents.has_header);
  EXPECT_FALSE(contents.damaged);
  ASSERT_EQ(contents.records.size(), 3u);
  EXPECT_EQ(contents.records[2].code, 2);
  EXPECT_EQ(contents.records[2].out_bytes, int64_t{1} << 40);
  EXPECT_EQ(contents.next, 4u);
}

TEST(ExitJournalTest, HoldsRoomForEveryExitBeforeTheFirst) {
  EXPECT_GE(Journal(0).size(), 4096u);
  EXPECT_GE(Journal(100).size(), 300 * kJournalRecordSize);
}

TEST(ExitJournalTest, CutsATornTailAtEveryByte) {
  const std::string whole = Journal(3).substr(0, 4 * kJournalRecordSize);
  for (size_t size = 0; size <= whole.size(); ++size) {
    const JournalContents contents = DecodeJournal(whole.substr(0, size));
    const size_t sound = size / kJournalRecordSize;
    EXPECT_EQ(contents.records.size(), sound == 0 ? 0 : sound - 1) << size;
    EXPECT_FALSE(contents.damaged) << size;
  }
}

TEST(ExitJournalTest, NeverTakesAFlippedBitForARecord) {
  const std::string whole = Journal(3).substr(0, 4 * kJournalRecordSize);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const JournalContents contents = DecodeJournal(flipped);
    const size_t hit = bit / 8 / kJournalRecordSize;
    EXPECT_EQ(contents.records.size(), hit == 0 ? 3u : 2u) << bit;
    EXPECT_EQ(contents.damaged, hit < 3) << bit;  // In the last record it is a torn tail.
    for (const JournalRecord& record : contents.records) EXPECT_EQ(record.code, record.index);
  }
}

TEST(ExitJournalTest, ContinuesAfterATornTail) {
  const std::string path = std::string(getenv("TEST_TMPDIR")) + "/torn";
  std::string bytes = Journal(2).substr(0, 3 * kJournalRecordSize);
  bytes.resize(bytes.size() - 5);
  ASSERT_TRUE(WriteFile(path, bytes).ok());
  ExitJournal journal;
  JournalContents contents;
  ASSERT_TRUE(journal.Open(path, 2, /*durable=*/false, &contents));
  EXPECT_EQ(contents.records.size(), 1u);
  ASSERT_TRUE(journal.Append(Exit(1, 42)));
  const JournalContents again = DecodeJournal(ReadFile(path).value());
  ASSERT_EQ(again.records.size(), 2u);
  EXPECT_EQ(again.records[1].code, 42);
  EXPECT_FALSE(again.damaged);
}

}  // namespace
}  // namespace muster

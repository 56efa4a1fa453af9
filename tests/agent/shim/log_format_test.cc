#include "agent/shim/log_format.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace muster {
namespace {

LogRecord Gap(int64_t offset) {
  LogRecord record;
  record.kind = LogRecordKind::kGap;
  record.reason = GapReason::kDiskFull;
  record.offset = offset;
  record.length = 10;
  record.boottime_ns = 1;
  record.wall_ns = 2;
  return record;
}

TEST(LogFormatTest, NamesSegmentsByTheirFirstByte) {
  const std::string stream = StreamName("worker", 3, /*is_stderr=*/true);
  EXPECT_EQ(stream, "worker-3.err");
  EXPECT_EQ(SegmentName(stream, 0x1ff), "worker-3.err.00000000000001ff");
  int64_t offset = 0;
  EXPECT_TRUE(ParseSegmentName(stream, "worker-3.err.00000000000001ff", &offset));
  EXPECT_EQ(offset, 0x1ff);
  EXPECT_FALSE(ParseSegmentName(stream, "worker-3.err.index", &offset));
  EXPECT_FALSE(ParseSegmentName(stream, "worker-13.err.00000000000001ff", &offset));
  EXPECT_FALSE(ParseSegmentName(stream, "worker-3.err.ffffffffffffffff", &offset));
}

TEST(LogFormatTest, ReadsBackARecord) {
  LogRecord read;
  ASSERT_TRUE(DecodeLogRecord(EncodeLogRecord(Gap(7)).data(), &read));
  EXPECT_EQ(read.kind, LogRecordKind::kGap);
  EXPECT_EQ(read.reason, GapReason::kDiskFull);
  EXPECT_EQ(read.offset, 7);
  EXPECT_EQ(read.length, 10);
  EXPECT_EQ(read.boottime_ns, 1);
  EXPECT_EQ(read.wall_ns, 2);
}

TEST(LogFormatTest, CutsATornIndexAtEveryByte) {
  const std::string whole = EncodeLogRecord(Gap(1)) + EncodeLogRecord(Gap(2));
  for (size_t size = 0; size <= whole.size(); ++size) {
    EXPECT_EQ(DecodeLogIndex(whole.substr(0, size)).size(), size / kLogRecordSize);
  }
}

TEST(LogFormatTest, NeverTakesAFlippedBitForARecord) {
  const std::string whole = EncodeLogRecord(Gap(1)) + EncodeLogRecord(Gap(2));
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeLogIndex(flipped).size(), 1u) << bit;
  }
}

}  // namespace
}  // namespace muster

#include "ctl/client/cursor_book.h"

#include "common/rpc/crc32c.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

v1::ReadLogsResponse Chunk(int rank, int64_t offset, const std::string& data) {
  v1::ReadLogsResponse message;
  v1::LogChunk* chunk = message.mutable_chunk();
  chunk->set_role("worker");
  chunk->set_rank(rank);
  chunk->set_stream(v1::OUTPUT_STREAM_STDOUT);
  chunk->set_offset(offset);
  chunk->set_data(data);
  chunk->set_crc32c(Crc32c(data));
  return message;
}

v1::ReadLogsResponse End(int rank, int64_t length) {
  v1::ReadLogsResponse message;
  v1::LogEnd* end = message.mutable_end();
  end->set_role("worker");
  end->set_rank(rank);
  end->set_stream(v1::OUTPUT_STREAM_STDOUT);
  end->set_length(length);
  return message;
}

CursorBook::Options TwoRanks() {
  CursorBook::Options options;
  options.job_id = "j";
  options.ranks = {{"worker", 0}, {"worker", 1}};
  options.want_stderr = false;
  return options;
}

// What is left of `message`, or "-" when nothing is.
std::string Take(CursorBook* book, v1::ReadLogsResponse message) {
  bool has_news = false;
  const absl::Status status = book->Take(&message, &has_news);
  if (!status.ok()) return absl::StatusCodeToString(status.code());
  return has_news ? message.chunk().data() : "-";
}

TEST(CursorBookTest, AsksForEveryStreamFromItsStart) {
  const CursorBook book(TwoRanks());
  const v1::ReadLogsRequest request = book.NextRequest();
  ASSERT_EQ(request.cursors_size(), 2);
  EXPECT_EQ(request.cursors(1).rank(), 1);
  EXPECT_EQ(request.cursors(1).offset(), 0);
  EXPECT_TRUE(request.follow());
}

TEST(CursorBookTest, ResumesEachStreamAtItsNextByte) {
  CursorBook book(TwoRanks());
  EXPECT_EQ(Take(&book, Chunk(0, 0, "hello ")), "hello ");
  EXPECT_EQ(Take(&book, Chunk(1, 0, "ab")), "ab");
  book.StreamBroken();
  const v1::ReadLogsRequest request = book.NextRequest();
  EXPECT_EQ(request.cursors(0).offset(), 6);
  EXPECT_EQ(request.cursors(1).offset(), 2);
}

TEST(CursorBookTest, CutsWhatItHasSeen) {
  CursorBook book(TwoRanks());
  EXPECT_EQ(Take(&book, Chunk(0, 0, "hello ")), "hello ");
  EXPECT_EQ(Take(&book, Chunk(0, 3, "lo world")), "world");
  EXPECT_EQ(Take(&book, Chunk(0, 0, "hello")), "-");
}

TEST(CursorBookTest, ReportsAHoleThatNobodyDeclared) {
  CursorBook book(TwoRanks());
  EXPECT_EQ(Take(&book, Chunk(0, 5, "x")), "DATA_LOSS");
}

TEST(CursorBookTest, ReportsDamagedBytes) {
  CursorBook book(TwoRanks());
  v1::ReadLogsResponse message = Chunk(0, 0, "hello");
  message.mutable_chunk()->set_data("jello");
  EXPECT_EQ(Take(&book, message), "DATA_LOSS");
}

TEST(CursorBookTest, GoesOnBehindADeclaredGap) {
  CursorBook book(TwoRanks());
  v1::ReadLogsResponse gap;
  gap.mutable_gap()->set_role("worker");
  gap.mutable_gap()->set_stream(v1::OUTPUT_STREAM_STDOUT);
  gap.mutable_gap()->set_length(100);
  bool has_news = false;
  ASSERT_TRUE(book.Take(&gap, &has_news).ok());
  EXPECT_TRUE(has_news);
  EXPECT_EQ(Take(&book, Chunk(0, 100, "x")), "x");
}

TEST(CursorBookTest, IsCompleteWhenEveryStreamHasEnded) {
  CursorBook book(TwoRanks());
  Take(&book, Chunk(0, 0, "x"));
  Take(&book, End(0, 1));
  EXPECT_FALSE(book.Complete());
  EXPECT_EQ(book.NextRequest().cursors_size(), 1);
  Take(&book, End(1, 0));
  EXPECT_TRUE(book.Complete());
}

TEST(CursorBookTest, DoesNotBelieveAnEndBeyondWhatItHas) {
  CursorBook book(TwoRanks());
  EXPECT_EQ(Take(&book, End(0, 7)), "DATA_LOSS");
}

TEST(CursorBookTest, ReadsTailsBeforeItFollows) {
  CursorBook::Options options = TwoRanks();
  options.tail_lines = 10;
  CursorBook book(options);
  EXPECT_EQ(book.NextRequest().tail_lines(), 10);
  EXPECT_FALSE(book.NextRequest().follow());
  Take(&book, Chunk(0, 500, "tail\n"));
  book.StreamDone();
  EXPECT_FALSE(book.Complete());
  const v1::ReadLogsRequest request = book.NextRequest();
  EXPECT_TRUE(request.follow());
  EXPECT_EQ(request.tail_lines(), 0);
  EXPECT_EQ(request.cursors(0).offset(), 505);
  EXPECT_EQ(request.cursors(1).offset(), 0);  // It had nothing, so nothing of it is skipped.
}

TEST(CursorBookTest, ABrokenTailGoesOnWhereItWas) {
  CursorBook::Options options = TwoRanks();
  options.tail_lines = 10;
  options.follow = false;
  CursorBook book(options);
  Take(&book, Chunk(0, 500, "part"));
  book.StreamBroken();
  ASSERT_EQ(book.NextRequest().cursors_size(), 1);
  EXPECT_EQ(book.NextRequest().cursors(0).rank(), 1);
  book.StreamDone();
  ASSERT_FALSE(book.Complete());
  EXPECT_EQ(book.NextRequest().cursors(0).offset(), 504);
  book.StreamDone();
  EXPECT_TRUE(book.Complete());
}

}  // namespace
}  // namespace muster

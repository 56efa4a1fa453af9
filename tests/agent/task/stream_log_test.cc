#include "agent/task/stream_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/shim/log_format.h"
#include "agent/task/output_log.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

constexpr int64_t kPiece = 64 << 10;

// The files of one stream, written as msshim writes them.
class StreamLogTest : public testing::Test {
 protected:
  const std::string stream_ = StreamName("worker", 3, /*is_stderr=*/false);

  void Append(const std::string& name, const std::string& bytes) {
    const int fd = open(tree_.Path(name).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    close(fd);
  }
  void Record(LogRecordKind kind, int64_t offset, int64_t length = 0,
              GapReason reason = GapReason::kNone, int64_t wall_ns = 0) {
    LogRecord record;
    record.kind = kind;
    record.offset = offset;
    record.length = length;
    record.reason = reason;
    record.wall_ns = wall_ns;
    Append(IndexName(stream_), EncodeLogRecord(record));
  }
  void Segment(int64_t offset, const std::string& bytes) {
    Append(SegmentName(stream_, offset), bytes);
  }
  std::unique_ptr<StreamLog> Open(const std::string& user_path = "") {
    return std::make_unique<StreamLog>(StreamFiles::Where{tree_.root(), stream_, user_path},
                                       [this](bool on) { subscriptions_.push_back(on); });
  }
  std::unique_ptr<OutputReader> Read(StreamLog* log, int64_t offset) {
    return std::move(*log->Read(offset, [this] { ++woken_; }));
  }
  // All pieces up to the present end; gaps read "<LENGTH reason>".
  static std::vector<std::string> Pieces(OutputReader* reader) {
    std::vector<std::string> pieces;
    int64_t expected = reader->offset();
    for (;;) {
      const auto piece = reader->Next();
      if (!piece.ok()) {
        pieces.push_back(std::string(piece.status().message()));
        return pieces;
      }
      if (!piece->has_value()) return pieces;
      EXPECT_EQ((*piece)->offset, expected);
      EXPECT_LE((*piece)->data.size(), static_cast<size_t>(kPiece));
      expected += static_cast<int64_t>((*piece)->data.size()) + (*piece)->gap_length;
      EXPECT_EQ(reader->offset(), expected);
      pieces.push_back((*piece)->gap_length > 0 ? "<" + std::to_string((*piece)->gap_length) + " " +
                                                      (*piece)->gap_reason + ">"
                                                : (*piece)->data);
    }
  }
  static std::string Text(const std::vector<std::string>& pieces) {
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    return text;
  }

  TempTree tree_;
  std::vector<bool> subscriptions_;
  int woken_ = 0;
};

using Lines = std::vector<std::string>;

TEST_F(StreamLogTest, AStreamWithoutFilesIsEmpty) {
  const auto log = Open();
  EXPECT_EQ(log->length(), 0);
  const auto reader = Read(log.get(), 0);
  EXPECT_TRUE(Pieces(reader.get()).empty());
  EXPECT_FALSE(reader->AtEnd());
  log->OnEnded(0);
  EXPECT_TRUE(reader->AtEnd());
}

TEST_F(StreamLogTest, WholeLinesComeFirstAndTheTailAtOnce) {
  Segment(0, "one\ntwo\npro");
  const auto log = Open();
  EXPECT_EQ(Pieces(Read(log.get(), 0).get()), (Lines{"one\ntwo\n", "pro"}));
}

TEST_F(StreamLogTest, PiecesAreBoundedAndCutAtLineEnds) {
  std::string line(1000, 'x');
  line += '\n';
  std::string text;
  for (int i = 0; i < 300; ++i) text += line;
  Segment(0, text);
  const auto log = Open();
  const Lines pieces = Pieces(Read(log.get(), 0).get());
  EXPECT_EQ(Text(pieces), text);
  for (const std::string& piece : pieces) EXPECT_EQ(piece.back(), '\n');
}

TEST_F(StreamLogTest, ALineLongerThanAPieceIsCut) {
  const std::string text(3 * kPiece + 5, 'x');
  Segment(0, text);
  const auto log = Open();
  const Lines pieces = Pieces(Read(log.get(), 0).get());
  EXPECT_EQ(pieces.size(), 4u);
  EXPECT_EQ(Text(pieces), text);
}

TEST_F(StreamLogTest, AnyBytesPassUnchanged) {
  std::string bytes;
  for (int i = 0; i < 1024; ++i) bytes += static_cast<char>(i);
  Segment(0, bytes);
  const auto log = Open();
  EXPECT_EQ(Text(Pieces(Read(log.get(), 0).get())), bytes);
}

TEST_F(StreamLogTest, ReadsOnAcrossSegments) {
  Segment(0, "one\n");
  Segment(4, "two\n");
  Segment(8, "three\n");
  const auto log = Open();
  EXPECT_EQ(log->length(), 14);
  EXPECT_EQ(Text(Pieces(Read(log.get(), 0).get())), "one\ntwo\nthree\n");
  EXPECT_EQ(Text(Pieces(Read(log.get(), 6).get())), "o\nthree\n");
  EXPECT_EQ(Text(Pieces(Read(log.get(), 8).get())), "three\n");
}

TEST_F(StreamLogTest, ResumesAtEveryOffset) {
  Segment(0, "one\ntwo\n");
  Segment(8, "three\nfo");
  const std::string text = "one\ntwo\nthree\nfo";
  const auto log = Open();
  for (size_t offset = 0; offset <= text.size(); ++offset) {
    EXPECT_EQ(Text(Pieces(Read(log.get(), static_cast<int64_t>(offset)).get())),
              text.substr(offset));
  }
}

TEST_F(StreamLogTest, NegativeOffsetsCountFromTheEndButNotBeyondTheStart) {
  Segment(0, "one\ntwo\n");
  const auto log = Open();
  EXPECT_EQ(Text(Pieces(Read(log.get(), -4).get())), "two\n");
  EXPECT_EQ(Text(Pieces(Read(log.get(), -100).get())), "one\ntwo\n");
}

TEST_F(StreamLogTest, GrowthIsAskedForOnlyWhileSomebodyWaits) {
  Segment(0, "one\n");
  const auto log = Open();
  auto reader = Read(log.get(), 0);
  EXPECT_TRUE(subscriptions_.empty());
  Pieces(reader.get());
  EXPECT_EQ(subscriptions_, std::vector<bool>({true}));

  log->OnGrew(4);  // What it has read already.
  EXPECT_EQ(woken_, 0);
  Segment(0, "two\n");
  log->OnGrew(8);
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(Text(Pieces(reader.get())), "two\n");
  EXPECT_EQ(subscriptions_, std::vector<bool>({true})) << "still waiting: no new order";

  reader.reset();
  log->OnGrew(9);
  EXPECT_EQ(subscriptions_, std::vector<bool>({true, false}));
}

TEST_F(StreamLogTest, GrowthAcrossARotationIsSeen) {
  Segment(0, "one\n");
  const auto log = Open();
  const auto reader = Read(log.get(), 0);
  Pieces(reader.get());
  Segment(4, "two\n");
  log->OnGrew(8);
  EXPECT_EQ(woken_, 1);
  EXPECT_EQ(Text(Pieces(reader.get())), "two\n");
  Segment(0, "");
  Segment(8, "three\n");
  log->OnGrew(14);
  EXPECT_EQ(Text(Pieces(reader.get())), "three\n");
}

TEST_F(StreamLogTest, AReaderThatWaitsIsToldOfTheEnd) {
  Segment(0, "one\n");
  const auto log = Open();
  const auto reader = Read(log.get(), 0);
  Pieces(reader.get());
  log->OnEnded(4);
  EXPECT_EQ(woken_, 1);
  EXPECT_TRUE(reader->AtEnd());
  EXPECT_TRUE(Pieces(reader.get()).empty());
}

TEST_F(StreamLogTest, TheLastBytesComeAlsoWhenOnlyTheEndIsTold) {
  Segment(0, "one\n");
  const auto log = Open();
  const auto reader = Read(log.get(), 0);
  Pieces(reader.get());
  Segment(0, "two\n");
  log->OnEnded(8);
  EXPECT_FALSE(reader->AtEnd());
  EXPECT_EQ(Text(Pieces(reader.get())), "two\n");
  EXPECT_TRUE(reader->AtEnd());
}

TEST_F(StreamLogTest, AReaderMayGoAwayWhenItIsWoken) {
  Segment(0, "one\n");
  const auto log = Open();
  std::unique_ptr<OutputReader> first, second;
  first = std::move(*log->Read(0, [&] { second.reset(); }));
  second = std::move(*log->Read(0, [&] { first.reset(); }));
  Pieces(first.get());
  Pieces(second.get());
  log->OnGrew(5);
  EXPECT_EQ((first == nullptr) + (second == nullptr), 1);
}

TEST_F(StreamLogTest, AReaderOutlivesItsLog) {
  Segment(0, "one\n");
  auto log = Open();
  const auto reader = Read(log.get(), 0);
  log.reset();
  EXPECT_EQ(Text(Pieces(reader.get())), "one\n");
}

// A host keeps the logs of a week's gangs, and somebody reads them all.
TEST_F(StreamLogTest, AStreamThatNobodyReadsAnyMoreHoldsNoDescriptor) {
  Record(LogRecordKind::kMark, 0);
  Segment(0, "one\n");
  const size_t before = ListDir("/proc/self/fd").value().size();
  const auto log = Open();
  log->OnEnded(4);
  EXPECT_EQ(Pieces(Read(log.get(), 0).get()), std::vector<std::string>{"one\n"});
  EXPECT_EQ(log->OffsetOfLastLines(1).value(), 0);
  EXPECT_EQ(ListDir("/proc/self/fd").value().size(), before);
}

TEST_F(StreamLogTest, DroppedSegmentsAreAGap) {
  Record(LogRecordKind::kMark, 0);
  Record(LogRecordKind::kGap, 0, 100, GapReason::kDroppedOldest);
  Record(LogRecordKind::kGap, 100, 100, GapReason::kDroppedOldest);
  Segment(200, "rest\n");
  const auto log = Open();
  const std::string reason = GapReasonText(GapReason::kDroppedOldest);
  EXPECT_EQ(Pieces(Read(log.get(), 0).get()), (Lines{"<200 " + reason + ">", "rest\n"}));
  EXPECT_EQ(Pieces(Read(log.get(), 150).get()), (Lines{"<50 " + reason + ">", "rest\n"}));
}

TEST_F(StreamLogTest, AHoleInTheMiddleIsAGapAndItsZerosAreNotRead) {
  // drop_new: the file is sparse where nothing was written.
  Segment(0, "one\n" + std::string(10, '\0') + "two\n");
  Record(LogRecordKind::kGap, 4, 10, GapReason::kDroppedNew);
  const auto log = Open();
  EXPECT_EQ(
      Pieces(Read(log.get(), 0).get()),
      (Lines{"one\n", std::string("<10 ") + GapReasonText(GapReason::kDroppedNew) + ">", "two\n"}));
}

TEST_F(StreamLogTest, AGapThatGrowsInPlaceIsFollowed) {
  Segment(0, "one\n");
  Record(LogRecordKind::kGap, 4, 10, GapReason::kDiskFull);
  const auto log = Open();
  const auto reader = Read(log.get(), 0);
  EXPECT_EQ(Pieces(reader.get()).size(), 2u);
  EXPECT_EQ(log->length(), 14);
  ASSERT_EQ(truncate(tree_.Path(IndexName(stream_)).c_str(), 0), 0);
  Record(LogRecordKind::kGap, 4, 30, GapReason::kDiskFull);
  log->OnGrew(34);
  EXPECT_EQ(Pieces(reader.get()),
            (Lines{std::string("<20 ") + GapReasonText(GapReason::kDiskFull) + ">"}));
}

TEST_F(StreamLogTest, AMissingSegmentIsAGapUpToTheNextOne) {
  Segment(0, "one\n");
  Segment(10, "three\n");
  const auto log = Open();
  EXPECT_EQ(Pieces(Read(log.get(), 0).get()),
            (Lines{"one\n", "<6 the file was cut or removed>", "three\n"}));
}

TEST_F(StreamLogTest, AFileThatWasCutEndsInAGap) {
  Segment(0, "one\n");
  const auto log = Open();
  log->OnEnded(10);
  const auto reader = Read(log.get(), 0);
  EXPECT_EQ(Pieces(reader.get()), (Lines{"one\n", "<6 the file was cut or removed>"}));
  EXPECT_TRUE(reader->AtEnd());
}

TEST_F(StreamLogTest, TheUsersOneFileIsTheLog) {
  const std::string path = tree_.Write("user.log", "old\none\ntwo\n");
  Record(LogRecordKind::kFile, 0, 4);
  const auto log = Open(path);
  EXPECT_EQ(log->length(), 8);
  EXPECT_EQ(Text(Pieces(Read(log.get(), 0).get())), "one\ntwo\n");
  EXPECT_EQ(Text(Pieces(Read(log.get(), 4).get())), "two\n");
}

TEST_F(StreamLogTest, TheUsersFileIsFollowedThroughACut) {
  const std::string path = tree_.Write("user.log", "one\n");
  Record(LogRecordKind::kFile, 0, 0);
  const auto log = Open(path);
  const auto reader = Read(log.get(), 0);
  EXPECT_EQ(Text(Pieces(reader.get())), "one\n");
  // "two\n" was written and cut before it was read; "three\n" came after.
  tree_.Write("user.log", "three\n");
  Record(LogRecordKind::kGap, 4, 4, GapReason::kCut);
  Record(LogRecordKind::kFile, 8, 0);
  log->OnGrew(14);
  EXPECT_EQ(Pieces(reader.get()),
            (Lines{std::string("<4 ") + GapReasonText(GapReason::kCut) + ">", "three\n"}));
}

TEST_F(StreamLogTest, NothingStrangeIsOpenedInPlaceOfTheUsersFile) {
  const std::string path = tree_.Path("user.log");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Record(LogRecordKind::kFile, 0, 0);
  const auto log = Open(path);
  const auto reader = Read(log.get(), 0);
  EXPECT_TRUE(absl::IsFailedPrecondition(reader->Next().status()));
}

TEST_F(StreamLogTest, PiecesCarryTheTimeOfTheirFirstByte) {
  Segment(0, "one\ntwo\nthree\n");
  Record(LogRecordKind::kMark, 0, 0, GapReason::kNone, 1000);
  Record(LogRecordKind::kGap, 100, 1, GapReason::kDroppedNew);
  Record(LogRecordKind::kMark, 4, 0, GapReason::kNone, 2000);
  Record(LogRecordKind::kMark, 8, 0, GapReason::kNone, 3000);
  const auto log = Open();
  const auto time_at = [&](int64_t offset) {
    return absl::ToUnixNanos((*Read(log.get(), offset)->Next())->time);
  };
  EXPECT_EQ(time_at(0), 1000);
  EXPECT_EQ(time_at(3), 1000);
  EXPECT_EQ(time_at(4), 2000);
  EXPECT_EQ(time_at(13), 3000);
}

TEST_F(StreamLogTest, AnOffsetBeyondTheEndIsRefusedOnceTheEndIsKnown) {
  Segment(0, "one\n");
  const auto log = Open();
  EXPECT_TRUE(log->Read(5, [] {}).ok());
  log->OnEnded(4);
  EXPECT_TRUE(absl::IsOutOfRange(log->Read(5, [] {}).status()));
  EXPECT_TRUE(log->Read(4, [] {}).ok());
}

TEST_F(StreamLogTest, FindsTheLastLines) {
  Segment(0, "one\ntwo\n");
  Segment(8, "three\nfour\n");
  const auto log = Open();
  EXPECT_EQ(*log->OffsetOfLastLines(0), 19);
  EXPECT_EQ(*log->OffsetOfLastLines(1), 14);
  EXPECT_EQ(*log->OffsetOfLastLines(3), 4);
  EXPECT_EQ(*log->OffsetOfLastLines(4), 0);
  EXPECT_EQ(*log->OffsetOfLastLines(100), 0);
}

TEST_F(StreamLogTest, AnUnfinishedLineCountsAsALine) {
  Segment(0, "one\ntwo\nthr");
  const auto log = Open();
  EXPECT_EQ(*log->OffsetOfLastLines(1), 8);
  EXPECT_EQ(*log->OffsetOfLastLines(2), 4);
}

TEST_F(StreamLogTest, LastLinesAreFoundOverManyBlocks) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += "line " + std::to_string(i) + "\n";
  Segment(0, text);
  const auto log = Open();
  const int64_t offset = *log->OffsetOfLastLines(30000);
  EXPECT_EQ(offset, static_cast<int64_t>(text.find("line 10000\n")));
}

TEST_F(StreamLogTest, LastLinesStopAtAGap) {
  Record(LogRecordKind::kGap, 0, 10, GapReason::kDroppedOldest);
  Segment(10, "one\ntwo\n");
  const auto log = Open();
  EXPECT_EQ(*log->OffsetOfLastLines(2), 10);
  EXPECT_EQ(*log->OffsetOfLastLines(9), 10);
}

}  // namespace
}  // namespace muster

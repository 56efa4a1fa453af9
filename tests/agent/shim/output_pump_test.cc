#include "agent/shim/output_pump.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "agent/shim/log_format.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

class OutputPumpTest : public testing::Test {
 protected:
  OutputPumpTest() {
    std::string name = std::string(getenv("TEST_TMPDIR")) + "/logs.XXXXXX";
    dir_ = mkdtemp(name.data());
    logs_.reset(open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    options_.file.logs_dir = logs_.get();
    options_.file.stream = "w-0.out";
    options_.file.segment_size = 4096;
    options_.max_size = 64 << 10;
  }

  // A pump with a fresh pipe, whose write end is write_.
  OutputPump* Make() {
    pump_ = std::make_unique<OutputPump>(options_);
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    write_.reset(ends[1]);
    pump_->SetPipe(UniqueFd(ends[0]), /*is_tty=*/false);
    return pump_.get();
  }
  void Write(const std::string& bytes) {
    ASSERT_EQ(write(write_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::vector<LogRecord> Gaps() const {
    std::vector<LogRecord> gaps;
    for (const LogRecord& record : DecodeLogIndex(ReadFile(dir_ + "/w-0.out.index").value_or(""))) {
      if (record.kind == LogRecordKind::kGap) gaps.push_back(record);
    }
    return gaps;
  }

  std::string dir_;
  UniqueFd logs_;
  OutputPump::Options options_;
  std::unique_ptr<OutputPump> pump_;
  UniqueFd write_;
};

TEST_F(OutputPumpTest, OpensNothingWithoutAByte) {
  OutputPump* pump = Make();
  EXPECT_EQ(pump->Pump(1 << 20), OutputPump::Result::kDry);
  write_.reset();
  EXPECT_EQ(pump->Pump(1 << 20), OutputPump::Result::kEnded);
  EXPECT_TRUE(ListDir(dir_)->empty());
}

TEST_F(OutputPumpTest, RotatesAtExactlyTheSegmentSize) {
  OutputPump* pump = Make();
  Write(std::string(10000, 'x'));
  write_.reset();
  pump->Drain();
  EXPECT_TRUE(pump->done());
  EXPECT_EQ(pump->length(), 10000);
  EXPECT_EQ(ReadFile(dir_ + "/" + SegmentName("w-0.out", 4096))->size(), 4096u);
  EXPECT_EQ(ReadFile(dir_ + "/" + SegmentName("w-0.out", 8192))->size(), 1808u);
}

TEST_F(OutputPumpTest, GoesOnWhereADeadShimStopped) {
  OutputPump* pump = Make();
  Write("first ");
  pump->Drain();
  OutputPump* successor = Make();
  successor->Recover();
  EXPECT_EQ(successor->length(), 6);
  Write("second");
  successor->Drain();
  EXPECT_EQ(ReadFile(dir_ + "/" + SegmentName("w-0.out", 0)).value(), "first second");
}

TEST_F(OutputPumpTest, BlocksAtTheLimitUntilASegmentIsRemoved) {
  options_.log_full = LogFull::kBlock;
  options_.max_size = 8192;
  OutputPump* pump = Make();
  Write(std::string(10000, 'x'));
  OutputPump::Result result;
  while ((result = pump->Pump(1 << 20)) == OutputPump::Result::kGated) {
  }
  EXPECT_EQ(result, OutputPump::Result::kBlocked);
  EXPECT_EQ(pump->length(), 8192);
  ASSERT_TRUE(RemoveTree(dir_ + "/" + SegmentName("w-0.out", 0)).ok());
  while ((result = pump->Pump(1 << 20)) == OutputPump::Result::kGated) {
  }
  EXPECT_EQ(pump->length(), 10000);
  ASSERT_EQ(Gaps().size(), 1u);
  EXPECT_EQ(Gaps()[0].reason, GapReason::kCut);
}

TEST_F(OutputPumpTest, RecordsThatTheUsersFileWasTruncated) {
  options_.file.user_path = dir_ + "/user/log";
  OutputPump* pump = Make();
  Write("lost bytes");
  pump->Drain();
  ASSERT_EQ(truncate(options_.file.user_path.c_str(), 4), 0);
  Write("new");
  pump->Drain();
  EXPECT_EQ(ReadFile(options_.file.user_path).value(), "lostnew");
  ASSERT_EQ(Gaps().size(), 1u);
  EXPECT_EQ(Gaps()[0].offset, 4);
  EXPECT_EQ(Gaps()[0].length, 6);
  EXPECT_EQ(Gaps()[0].reason, GapReason::kCut);
}

TEST_F(OutputPumpTest, KeepsTheRankGoingWhenItsFileCannotBeMade) {
  options_.file.user_path = "/proc/no/such/log";
  OutputPump* pump = Make();
  Write("nowhere");
  pump->Drain();
  EXPECT_EQ(pump->length(), 7);
  ASSERT_EQ(Gaps().size(), 1u);
  EXPECT_EQ(Gaps()[0].reason, GapReason::kWriteError);
}

TEST_F(OutputPumpTest, GrowsOneGapRecordInPlace) {
  options_.file.user_path = "/proc/no/such/log";
  OutputPump* pump = Make();
  for (int i = 0; i < 5; ++i) {
    Write("drop");
    pump->Drain();
  }
  ASSERT_EQ(Gaps().size(), 1u);
  EXPECT_EQ(Gaps()[0].length, 20);
}

}  // namespace
}  // namespace muster

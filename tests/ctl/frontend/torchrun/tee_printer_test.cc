#include "ctl/frontend/torchrun/tee_printer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "common/base/unique_fd.h"
#include "ctl/frontend/torchrun/wait_notice.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

class TeePrinterTest : public testing::Test {
 protected:
  TeePrinterTest() : loop_(&clock_) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
    output_ = std::make_unique<Output>(write_.get());
    printer_ = std::make_unique<TeePrinter>(&loop_, output_.get());
  }

  std::string Shown(absl::Duration after = absl::ZeroDuration()) {
    clock_.Advance(after);
    while (loop_.RunDue()) {
    }
    char buffer[4096];
    const ssize_t size = read(read_.get(), buffer, sizeof(buffer));
    return size > 0 ? std::string(buffer, static_cast<size_t>(size)) : "";
  }

  FakeClock clock_;
  EventLoop loop_;
  UniqueFd read_;
  UniqueFd write_;
  std::unique_ptr<Output> output_;
  std::unique_ptr<TeePrinter> printer_;
};

TEST_F(TeePrinterTest, EachLineHasItsHeader) {
  printer_->Print("default0", "a\nb\n");
  printer_->Print("default1", "c\n");
  EXPECT_EQ(Shown(), "[default0]:a\n[default0]:b\n[default1]:c\n");
}

TEST_F(TeePrinterTest, LinesInPiecesDoNotMix) {
  printer_->Print("default0", "one ");
  printer_->Print("default1", "other\n");
  printer_->Print("default0", "line\n");
  EXPECT_EQ(Shown(), "[default1]:other\n[default0]:one line\n");
}

TEST_F(TeePrinterTest, APromptIsShownAfterAMomentAndGoesOnWithoutAHeader) {
  printer_->Print("default0", "(Pdb) ");
  EXPECT_EQ(Shown(), "");
  EXPECT_EQ(Shown(absl::Milliseconds(150)), "[default0]:(Pdb) ");
  printer_->Print("default0", "x\n");
  EXPECT_EQ(Shown(), "x\n");
}

TEST_F(TeePrinterTest, AnotherRanksLineBeginsOnALineOfItsOwn) {
  printer_->Print("default0", "(Pdb) ");
  EXPECT_EQ(Shown(absl::Milliseconds(150)), "[default0]:(Pdb) ");
  printer_->Print("default1", "y\n");
  EXPECT_EQ(Shown(), "\n[default1]:y\n");
}

TEST_F(TeePrinterTest, TheEndShowsWhatIsUnfinished) {
  printer_->Print("default0", "no newline");
  printer_->Finish();
  EXPECT_EQ(Shown(), "[default0]:no newline\n");
}

TEST(WaitNoticeTest, AShortWaitIsSilentAndALongOneToldAgain) {
  FakeClock clock;
  EventLoop loop(&clock);
  std::vector<std::string> lines;
  WaitNotice notice(&loop, [&lines](const std::string& line) { lines.push_back(line); });
  const auto advance = [&](absl::Duration duration) {
    clock.Advance(duration);
    while (loop.RunDue()) {
    }
  };
  notice.Set("1 of 2", absl::Seconds(600));
  advance(absl::Milliseconds(900));
  EXPECT_TRUE(lines.empty());
  notice.Set("1 of 2", absl::Seconds(599));
  advance(absl::Milliseconds(200));
  EXPECT_EQ(lines, std::vector<std::string>{"waiting: 1 of 2 (for at most 599s more)"});
  notice.Set("2 of 3", absl::Seconds(10));
  EXPECT_EQ(lines.size(), 2u);
  advance(absl::Seconds(61));
  EXPECT_EQ(lines.size(), 3u);
  notice.Clear();
  advance(absl::Seconds(61));
  EXPECT_EQ(lines.size(), 3u);
}

}  // namespace
}  // namespace muster

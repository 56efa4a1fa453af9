// A pty plays the user's terminal, `sh` the ranks: each line that a rank reads is written to its
// log.
#include "ctl/frontend/engine/stdin_relay.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/engine/process_set.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/engine/loop_wait.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

class StdinRelayTest : public testing::Test {
 protected:
  void SetUp() override {
    user_.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(user_.valid());
    ASSERT_EQ(grantpt(user_.get()), 0);
    ASSERT_EQ(unlockpt(user_.get()), 0);
    terminal_.reset(ioctl(user_.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal_.valid());
    relay_ = StdinRelay::Create(&loop_, terminal_.get());
    set_ = ProcessSet::Create(&loop_, false).value();
  }
  // A rank that runs `script`; "exec"ed programs read the terminal directly.
  void StartRank(const std::string& script) {
    const int rank = set_->size();
    ProcessSpec spec;
    spec.name = absl::StrCat("worker ", rank);
    spec.argv = {"sh", "-c", script};
    spec.env = {{"PATH", "/usr/bin:/bin"}};
    spec.out_path = spec.err_path = tree_.Path(absl::StrCat(rank, ".log"));
    const int fd = relay_->Add().value();
    ASSERT_TRUE(set_->Start(spec, fd).ok());
    relay_->Started(rank, set_->pid(rank));
  }
  // Waits until every rank is a `cat` that reads its terminal: whoever is late is passed over.
  void AwaitReaders() {
    const std::string reading = absl::StrCat(SYS_read, " 0x0 ");
    ASSERT_TRUE(RunUntil(&loop_, [this, &reading] {
      for (int rank = 0; rank < set_->size(); ++rank) {
        const std::string process = absl::StrCat("/proc/", set_->pid(rank));
        if (ReadFile(process + "/comm").value_or("") != "cat\n") return false;
        if (!absl::StartsWith(ReadFile(process + "/syscall").value_or(""), reading)) return false;
      }
      return true;
    }));
  }
  void Type(const std::string& text) {
    ASSERT_EQ(write(user_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string Log(int rank) {
    return ReadFile(tree_.Path(absl::StrCat(rank, ".log"))).value_or("");
  }
  bool Logged(int rank, const std::string& text) {
    return RunUntil(&loop_, [this, rank, &text] { return Log(rank) == text; });
  }

  TempTree tree_;
  EventLoop loop_;
  UniqueFd user_;
  UniqueFd terminal_;
  std::unique_ptr<StdinRelay> relay_;
  std::unique_ptr<ProcessSet> set_;
};

TEST_F(StdinRelayTest, EachLineGoesToOneRankInTurn) {
  for (int rank = 0; rank < 3; ++rank) StartRank("exec cat");
  AwaitReaders();
  Type("a\n");
  EXPECT_TRUE(Logged(0, "a\n"));
  AwaitReaders();
  Type("b\n");
  EXPECT_TRUE(Logged(1, "b\n"));
  AwaitReaders();
  Type("c\nd\n");
  EXPECT_TRUE(Logged(2, "c\n"));
  EXPECT_TRUE(Logged(0, "a\nd\n"));
  EXPECT_EQ(Log(1), "b\n");
}

TEST_F(StdinRelayTest, LinesThatComeTogetherAreNotGivenToTheSameRankTwice) {
  for (int rank = 0; rank < 4; ++rank) StartRank("exec cat");
  AwaitReaders();
  Type("0\n1\n2\n3\n");
  for (int rank = 0; rank < 4; ++rank) EXPECT_TRUE(Logged(rank, absl::StrCat(rank, "\n")));
}

TEST_F(StdinRelayTest, ARankThatDoesNotReadIsPassedOver) {
  StartRank("exec sleep 1000");
  StartRank("exec cat");
  Type("a\nb\n");
  EXPECT_TRUE(Logged(1, "a\nb\n"));
  EXPECT_EQ(Log(0), "");
}

TEST_F(StdinRelayTest, ALineIsHeldUntilSomebodyReads) {
  StartRank("while [ ! -e " + tree_.Path("go") + " ]; do sleep 0.01; done; exec cat");
  Type("a\n");
  RunUntil(&loop_, [this] { return Log(0).empty(); });
  tree_.Write("go", "");
  EXPECT_TRUE(Logged(0, "a\n"));
}

// Other ranks may write all the time: each of their lines nudges.
TEST_F(StdinRelayTest, AHeldLineIsNotPutOffByNudges) {
  StartRank("while [ ! -e " + tree_.Path("go") + " ]; do sleep 0.01; done; exec cat");
  Type("a\n");
  RunUntil(&loop_, [this] { return Log(0).empty(); });
  tree_.Write("go", "");
  EXPECT_TRUE(RunUntil(&loop_, [this] {
    relay_->Nudge();
    return Log(0) == "a\n";
  }));
}

TEST_F(StdinRelayTest, AGrandchildMayBeWhoReads) {
  StartRank("(cat); true");
  Type("a\n");
  EXPECT_TRUE(Logged(0, "a\n"));
}

TEST_F(StdinRelayTest, AReaderOfSomethingElseIsNotMeant) {
  StartRank("sleep 1000 | cat");
  StartRank("exec cat");
  Type("a\n");
  EXPECT_TRUE(Logged(1, "a\n"));
}

TEST_F(StdinRelayTest, EndOfFileGoesToOneRank) {
  StartRank("cat; echo over");
  StartRank("cat; echo over");
  Type("\x04");
  EXPECT_TRUE(RunUntil(&loop_, [this] { return Log(0) + Log(1) == "over\n"; }));
  Type("a\n");
  EXPECT_TRUE(RunUntil(
      &loop_, [this] { return Log(0) + Log(1) == "over\na\n" || Log(0) + Log(1) == "a\nover\n"; }));
}

TEST_F(StdinRelayTest, BytesThatATerminalWouldEditArriveAsTheyAre) {
  StartRank("exec od -An -c");
  termios mode;
  ASSERT_EQ(tcgetattr(terminal_.get(), &mode), 0);
  mode.c_lflag &= static_cast<tcflag_t>(~(ISIG | IEXTEN));
  mode.c_cc[VERASE] = _POSIX_VDISABLE;
  ASSERT_EQ(tcsetattr(terminal_.get(), TCSANOW, &mode), 0);
  Type("a\x7f\x03z\n\x04");
  EXPECT_TRUE(RunUntil(&loop_, [this] { return Log(0).find("177 003") != std::string::npos; }))
      << Log(0);
}

TEST_F(StdinRelayTest, WhatIsNoTerminalIsLeftAlone) {
  const UniqueFd saved(dup(STDIN_FILENO));
  const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  dup2(null.get(), STDIN_FILENO);
  EXPECT_EQ(*StdinRelay::CreateForTerminal(&loop_), nullptr);
  dup2(saved.get(), STDIN_FILENO);
}

}  // namespace
}  // namespace muster

// Real processes of /bin/sh: what the kernel does with sessions and orphans is the point.
#include "ctl/frontend/engine/process_set.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/engine/process_table.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/engine/loop_wait.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

bool IsGone(pid_t pid) {
  for (const ProcessEntry& entry : ReadProcessTable()) {
    if (entry.pid == pid && !entry.zombie) return false;
  }
  return true;
}

class ProcessSetTest : public testing::Test {
 protected:
  void Make(bool survive = false) {
    set_ = ProcessSet::Create(&loop_, survive).value();
    set_->set_on_end([this](int index, const ProcessEnd& end) { ends_[index] = end; });
  }
  ProcessSpec Shell(const std::string& script) {
    ProcessSpec spec;
    spec.name = "worker 0";
    spec.argv = {"sh", "-c", script};
    spec.env = {{"PATH", "/usr/bin:/bin"}, {"DIR", tree_.root()}};
    spec.out_path = tree_.Path("out.log");
    spec.err_path = spec.out_path;
    return spec;
  }
  int Start(const ProcessSpec& spec) {
    const absl::StatusOr<int> index = set_->Start(spec);
    EXPECT_TRUE(index.ok()) << index.status();
    return index.value_or(-1);
  }
  bool Ended(int index) {
    return RunUntil(&loop_, [this, index] { return ends_.count(index) > 0; });
  }
  std::string Text(const std::string& name) { return ReadFile(tree_.Path(name)).value_or(""); }
  // Waits for a file that a process writes a pid to, in one line.
  pid_t PidIn(const std::string& name) {
    int pid = 0;
    RunUntil(&loop_, [this, &name, &pid] {
      const std::string text = Text(name);
      return !text.empty() && text.back() == '\n' && absl::SimpleAtoi(text, &pid);
    });
    return pid;
  }

  TempTree tree_;
  EventLoop loop_;
  std::map<int, ProcessEnd> ends_;
  std::unique_ptr<ProcessSet> set_;
};

TEST_F(ProcessSetTest, TellsHowEachProcessEnded) {
  Make();
  const int code = Start(Shell("exit 7"));
  const int signal = Start(Shell("kill -9 $$"));
  ASSERT_TRUE(Ended(code) && Ended(signal));
  EXPECT_EQ(ends_[code].code, 7);
  EXPECT_EQ(ends_[code].signal, 0);
  EXPECT_EQ(ends_[signal].code, 137);
  EXPECT_EQ(ends_[signal].signal, 9);
  EXPECT_FALSE(ends_[code].stopped_by_us);
  EXPECT_EQ(set_->running(), 0);
}

TEST_F(ProcessSetTest, GivesBothStreamsOneFileThatItTruncates) {
  Make();
  tree_.Write("out.log", "of an earlier run");
  ASSERT_TRUE(Ended(Start(Shell("echo one; echo two >&2; echo three"))));
  EXPECT_EQ(Text("out.log"), "one\ntwo\nthree\n");
}

TEST_F(ProcessSetTest, GivesExactlyTheEnvironmentAndNoDescriptor) {
  Make();
  const UniqueFd leak(dup(STDERR_FILENO));
  ProcessSpec spec = Shell("tr '\\0' '\\n' < /proc/$$/environ | sort; ls /proc/self/fd");
  spec.env["RANK_ID"] = "3";
  ASSERT_TRUE(Ended(Start(spec)));
  EXPECT_EQ(Text("out.log"),
            absl::StrCat("DIR=", tree_.root(), "\nPATH=/usr/bin:/bin\nRANK_ID=3\n0\n1\n2\n3\n"));
}

TEST_F(ProcessSetTest, MakesASessionOnlyWhereAsked) {
  Make();
  ProcessSpec spec = Shell("cut -d' ' -f6 /proc/$$/stat");
  const int own = Start(spec);
  ASSERT_TRUE(Ended(own));
  EXPECT_EQ(Text("out.log"), absl::StrCat(set_->pid(own), "\n"));
  spec.new_session = false;
  ASSERT_TRUE(Ended(Start(spec)));
  EXPECT_EQ(Text("out.log"), absl::StrCat(getsid(0), "\n"));
}

TEST_F(ProcessSetTest, BindsTheProcessAndNotTheLauncher) {
  Make();
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  int first = 0;
  while (!CPU_ISSET(static_cast<size_t>(first), &before)) ++first;
  ProcessSpec spec = Shell("grep Cpus_allowed_list /proc/self/status");
  spec.cpus = {first};
  ASSERT_TRUE(Ended(Start(spec)));
  EXPECT_EQ(Text("out.log"), absl::StrCat("Cpus_allowed_list:\t", first, "\n"));
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST_F(ProcessSetTest, StartsWithDefaultSignals) {
  Make();
  std::signal(SIGPIPE, SIG_IGN);
  ASSERT_TRUE(Ended(Start(Shell("sed -nE 's/^SigBlk:|^SigIgn:/0x/p' /proc/self/status"))));
  std::signal(SIGPIPE, SIG_DFL);
  const std::vector<std::string> masks = absl::StrSplit(Text("out.log"), '\n');
  ASSERT_GE(masks.size(), 2U);
  EXPECT_EQ(std::stoull(masks[0].substr(3), nullptr, 16), 0U) << "blocked";
  // Only what our own caller ignores may be ignored.
  EXPECT_EQ(std::stoull(masks[1].substr(3), nullptr, 16) & (1U << (SIGPIPE - 1)), 0U) << "ignored";
}

TEST_F(ProcessSetTest, NamesWhatIsMissing) {
  Make();
  ProcessSpec spec = Shell("true");
  spec.argv[0] = "no-such-program";
  EXPECT_EQ(set_->Start(spec).status().message(),
            "worker 0: program 'no-such-program' in PATH=/usr/bin:/bin: No such file or directory");
  spec = Shell("true");
  spec.out_path = spec.err_path = tree_.Path("none/out.log");
  EXPECT_EQ(set_->Start(spec).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(set_->size(), 0);
}

TEST_F(ProcessSetTest, StopReachesGrandchildrenInSessionsOfTheirOwn) {
  Make();
  const int index =
      Start(Shell("setsid sh -c 'trap \"\" TERM; echo $$ > $DIR/pid; sleep 1000' & "
                  "sleep 1000"));
  const pid_t grandchild = PidIn("pid");
  bool stopped = false;
  set_->Stop(absl::Milliseconds(50), [&stopped] { stopped = true; });
  ASSERT_TRUE(RunUntil(&loop_, [&stopped] { return stopped; }));
  EXPECT_TRUE(ends_[index].stopped_by_us);
  EXPECT_EQ(ends_[index].signal, SIGTERM);
  EXPECT_TRUE(IsGone(grandchild));
}

TEST_F(ProcessSetTest, ASecondStopShortensTheGrace) {
  Make();
  const int index = Start(Shell("trap '' TERM; echo $$ > $DIR/pid; while :; do sleep 1; done"));
  PidIn("pid");
  int stopped = 0;
  set_->Stop(absl::Hours(1), [&stopped] { ++stopped; });
  set_->Stop(absl::ZeroDuration(), [&stopped] { ++stopped; });
  ASSERT_TRUE(RunUntil(&loop_, [&stopped] { return stopped == 2; }));
  EXPECT_EQ(ends_[index].signal, SIGKILL);
}

TEST_F(ProcessSetTest, SweepKillsWhatAnEndedProcessLeft) {
  Make();
  const int index = Start(Shell("sh -c 'echo $$ > $DIR/pid; sleep 1000' & exit 3"));
  const pid_t orphan = PidIn("pid");
  ASSERT_TRUE(Ended(index));
  set_->Sweep(index);
  EXPECT_TRUE(RunUntil(&loop_, [orphan] { return IsGone(orphan); }));
}

// `exec > >(tee log); exec torchrun …`: the tee is a child of the launcher, and none of its job.
TEST_F(ProcessSetTest, LeavesChildrenAloneThatWereThereBefore) {
  const pid_t before = fork();
  ASSERT_GE(before, 0);
  if (before == 0) {
    for (;;) pause();
  }
  Make();
  ASSERT_TRUE(Ended(Start(Shell("(sleep 1000) & exit 0"))));
  set_->Sweep(0);
  bool stopped = false;
  set_->Stop(absl::ZeroDuration(), [&stopped] { stopped = true; });
  EXPECT_TRUE(RunUntil(&loop_, [&stopped] { return stopped; }));
  set_.reset();
  EXPECT_FALSE(IsGone(before));
  kill(before, SIGKILL);
  waitpid(before, nullptr, 0);
}

TEST_F(ProcessSetTest, ALogThatIsAPipeNeedsAReader) {
  Make();
  ASSERT_EQ(mkfifo(tree_.Path("out.log").c_str(), 0600), 0);
  const absl::Status status = set_->Start(Shell("echo one")).status();
  EXPECT_NE(status.message().find("out.log"), absl::string_view::npos) << status;
  const UniqueFd reader(open(tree_.Path("out.log").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  ASSERT_TRUE(Ended(Start(Shell("grep flags /proc/$$/fdinfo/1"))));
  char text[64] = "";
  ASSERT_GT(read(reader.get(), text, sizeof(text) - 1), 0);
  int flags = 0;
  ASSERT_EQ(sscanf(text, "flags: %o", reinterpret_cast<unsigned*>(&flags)), 1) << text;
  EXPECT_EQ(flags & O_NONBLOCK, 0) << "the rank's own writes wait";
}

TEST_F(ProcessSetTest, SaysWhatIsTooLong) {
  Make();
  ProcessSpec spec = Shell("true");
  spec.env["ENDPOINTS"] = std::string(131072, 'x');
  const absl::Status status = set_->Start(spec).status();
  EXPECT_NE(status.message().find("ENDPOINTS alone has 131082 bytes; one may have 131071"),
            absl::string_view::npos)
      << status;
}

TEST_F(ProcessSetTest, LeavesNothingWhenItGoes) {
  Make();
  Start(Shell("setsid sh -c 'echo $$ > $DIR/pid; sleep 1000' & sleep 1000"));
  const pid_t grandchild = PidIn("pid");
  const pid_t child = set_->pid(0);
  set_.reset();
  EXPECT_TRUE(IsGone(child));
  EXPECT_TRUE(IsGone(grandchild));
}

TEST_F(ProcessSetTest, WhatIsToSurviveDoes) {
  Make(/*survive=*/true);
  const int index = Start(Shell("echo $$ > $DIR/pid; sleep 1000"));
  PidIn("pid");
  const pid_t pid = set_->pid(index);
  set_.reset();
  EXPECT_FALSE(IsGone(pid));
  kill(-pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

TEST_F(ProcessSetTest, TheGuardKillsWhatAKilledLauncherLeft) {
  const pid_t launcher = fork();
  ASSERT_GE(launcher, 0);
  if (launcher == 0) {
    EventLoop loop;
    auto set = ProcessSet::Create(&loop, false).value();
    ProcessSpec spec = Shell("sh -c 'echo $$ > $DIR/pid; sleep 1000' & sleep 1000");
    if (!set->Start(spec).ok()) _exit(1);
    tree_.Write("started", "1\n");  // The guard knows of it.
    for (;;) pause();
  }
  const pid_t grandchild = PidIn("pid");
  ASSERT_EQ(PidIn("started"), 1);
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  EXPECT_TRUE(RunUntil(&loop_, [grandchild] { return IsGone(grandchild); }));
}

// It has fallen to the launcher while its rank lives, in a session that nobody was told of.
TEST_F(ProcessSetTest, TheGuardKillsOrphansInSessionsOfTheirOwn) {
  const pid_t launcher = fork();
  ASSERT_GE(launcher, 0);
  if (launcher == 0) {
    EventLoop loop;
    auto set = ProcessSet::Create(&loop, false).value();
    if (!set->Start(Shell("(setsid sh -c 'echo $$ > $DIR/pid; exec sleep 1000' &); exit 0")).ok()) {
      _exit(1);
    }
    set->set_on_end([this, &loop](int, const ProcessEnd&) {
      loop.After(absl::ZeroDuration(), [this] { tree_.Write("ended", "1\n"); });
    });
    loop.Run();
  }
  const pid_t orphan = PidIn("pid");
  ASSERT_EQ(PidIn("ended"), 1);
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  EXPECT_TRUE(RunUntil(&loop_, [orphan] { return IsGone(orphan); }));
}

}  // namespace
}  // namespace muster

// Gangs with the real msshim and real programs. Every wait is for an event, with a deadline.
#include "agent/task/gangs.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/device/ledger.h"
#include "agent/device/topology.h"
#include "agent/task/gang_dir.h"
#include "common/base/clock.h"
#include "common/base/event_loop.h"
#include "common/base/fs.h"
#include "common/base/ids.h"
#include "common/job/job_defaults.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

constexpr std::chrono::seconds kDeadline(30);
using Key = std::pair<std::string, int>;

std::string ShimPath() {
  char buffer[4096];
  return absl::StrCat(getcwd(buffer, sizeof(buffer)), "/agent/shim/msshim");
}

v1::GangRef Ref(const std::string& job_id, int attempt = 0, int64_t epoch = 1) {
  v1::GangRef gang;
  gang.set_job_id(job_id);
  gang.set_attempt(attempt);
  gang.set_epoch(epoch);
  return gang;
}

// Whether `pid` is a process that is not a zombie.
bool Runs(pid_t pid) {
  const absl::StatusOr<std::string> stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  return stat.ok() && stat->find(") Z ") == std::string::npos;
}

// One host: a loop with its thread, a ledger of four devices, and gangs that can die and come back.
class GangsTest : public testing::Test {
 protected:
  explicit GangsTest(const Clock* clock = Clock::Real()) : thread_(clock) {}

  // Orphans of a dead shim fall to us, as to an agent that is PID 1 or a subreaper: their exits can
  // then be learned on every kernel, whatever reaps or does not reap above us.
  void SetUp() override {
    ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    Boot();
  }

  void TearDown() override {
    for (const Key& key : started_) {
      thread_.Call([&] {
        v1::StopGangRequest stop;
        *stop.mutable_gang() = Ref(key.first, key.second, gangs_->epoch());
        stop.mutable_grace();
        EXPECT_TRUE(gangs_->Stop(stop).ok());
      });
      EXPECT_TRUE(Await(key, [](const v1::GangReport& report) { return report.finished(); }));
    }
    Crash();
    for (const Key& key : started_) {
      for (const char* root : {"/sys/fs/cgroup/unified/muster", "/sys/fs/cgroup/muster"}) {
        EXPECT_FALSE(PathExists(absl::StrCat(root, "/", key.first, "-", key.second)));
      }
    }
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  // Starts the engine on the state that is there.
  void Boot() {
    absl::Status recovered = absl::UnknownError("");
    Wait wait(this);
    thread_.Call([&] {
      std::vector<v1::Device> devices(4);
      for (int i = 0; i < 4; ++i) {
        devices[static_cast<size_t>(i)].set_kind("fake");
        devices[static_cast<size_t>(i)].set_physical(i);
        devices[static_cast<size_t>(i)].set_healthy(true);
      }
      ledger_ = std::make_unique<Ledger>(Ledger::Options(), devices, Clock::Real());
      Gangs::Options options;
      options.state_dir = tree_.Path("state");
      options.shim_path = shim_path_;
      options.node_name = "node-1";
      options.base_env = {{"PATH", "/usr/bin:/bin"}};
      gangs_ = Gangs::Make(options, thread_.loop(), ledger_.get(), topology_.get());
      gangs_->SetReportSink([this](const v1::GangReport& report) { Take(report); });
      gangs_->Recover([&](const absl::Status& status) {
        recovered = status;
        wait.Done();
      });
    });
    ASSERT_TRUE(wait.Await());
    ASSERT_TRUE(recovered.ok()) << recovered;
    thread_.Call([this] {
      for (const v1::GangReport& report : gangs_->Reports()) Take(report);
    });
  }
  // Ends the engine as a crash would: the ranks and their shims are left alone.
  void Crash() {
    thread_.Call([this] { gangs_.reset(); });
    const std::lock_guard<std::mutex> lock(mutex_);
    reports_.clear();
  }

  // Reports, on the loop's thread.
  void Take(const v1::GangReport& report) {
    const std::lock_guard<std::mutex> lock(mutex_);
    v1::GangReport& last = reports_[{report.job_id(), report.attempt()}];
    EXPECT_GE(report.sequence(), last.sequence());
    last = report;
    changed_.notify_all();
  }
  bool Await(const Key& key, const std::function<bool(const v1::GangReport&)>& is_it) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] {
      const auto it = reports_.find(key);
      return it != reports_.end() && is_it(it->second);
    });
  }
  v1::GangReport Finished(const std::string& job_id, int attempt = 0) {
    EXPECT_TRUE(Await({job_id, attempt}, [](const v1::GangReport& r) { return r.finished(); }));
    const std::lock_guard<std::mutex> lock(mutex_);
    return reports_[{job_id, attempt}];
  }
  bool AwaitAllRunning(const std::string& job_id, int attempt = 0) {
    return Await({job_id, attempt}, [](const v1::GangReport& report) {
      for (const v1::RankStatus& rank : report.ranks()) {
        if (rank.state() != v1::RANK_STATE_RUNNING) return false;
      }
      return true;
    });
  }

  // A job of `ranks` shells.
  v1::StartGangRequest Shells(int ranks, const std::string& script) {
    v1::StartGangRequest request;
    *request.mutable_gang() = Ref(NewJobId("gangs-test"));
    v1::JobSpec* const spec = request.mutable_spec();
    spec->set_name("gangs-test");
    spec->set_contract("plain");
    spec->set_workdir(tree_.root());
    spec->set_ranks_per_node(ranks);
    for (const std::string& word : {std::string("/bin/sh"), std::string("-c"), script}) {
      spec->add_command(word);
    }
    FillJobDefaults(spec);
    v1::NodePlacement* const node = request.mutable_placement()->add_nodes();
    node->set_node_name("node-1");
    node->set_address("127.0.0.1");
    for (int i = 0; i < ranks; ++i) {
      v1::RankPlacement* const rank = node->add_ranks();
      rank->set_role("worker");
      rank->set_rank(i);
      rank->set_local_rank(i);
    }
    return request;
  }
  absl::StatusOr<v1::NodePlacement> Reserve(const v1::StartGangRequest& start) {
    v1::ReserveGangRequest request;
    *request.mutable_gang() = start.gang();
    *request.mutable_placement() = start.placement().nodes(0);
    request.mutable_ttl()->set_seconds(60);
    absl::StatusOr<v1::NodePlacement> answer = absl::UnknownError("");
    thread_.Call([&] { answer = gangs_->Reserve(request); });
    return answer;
  }
  absl::Status StartOnly(const v1::StartGangRequest& request) {
    absl::Status answer = absl::UnknownError("");
    Wait wait(this);
    thread_.Call([&] {
      gangs_->Start(request, [&](const absl::Status& status) {
        answer = status;
        wait.Done();
      });
    });
    EXPECT_TRUE(wait.Await());
    if (answer.ok()) started_.insert({request.gang().job_id(), request.gang().attempt()});
    return answer;
  }
  absl::Status Start(const v1::StartGangRequest& request) {
    const absl::Status reserved = Reserve(request).status();
    return reserved.ok() ? StartOnly(request) : reserved;
  }
  absl::Status Stop(const v1::StartGangRequest& start, absl::Duration grace) {
    v1::StopGangRequest request;
    *request.mutable_gang() = start.gang();
    request.mutable_grace()->set_seconds(absl::ToInt64Seconds(grace));
    request.mutable_grace()->set_nanos(
        static_cast<int>(absl::ToInt64Nanoseconds(grace) % 1'000'000'000));
    absl::Status answer;
    thread_.Call([&] { answer = gangs_->Stop(request); });
    return answer;
  }

  // Waits until the stream has `text` in it (the empty text: until it has ended); returns all of
  // it.
  std::string AwaitOutput(const std::string& job_id, int rank, const std::string& text,
                          bool is_stderr = false) {
    struct Follow {
      std::unique_ptr<OutputReader> reader;
      std::string all;
      bool done = false;
    };
    const auto follow = std::make_shared<Follow>();
    Wait wait(this);
    thread_.Call([&] {
      absl::StatusOr<OutputLog*> log = gangs_->FindOutput(job_id, 0, "worker", rank, is_stderr);
      ASSERT_TRUE(log.ok()) << log.status();
      const auto pump = [follow, text, &wait] {
        if (follow->done) return;
        for (;;) {
          const auto piece = follow->reader->Next();
          ASSERT_TRUE(piece.ok()) << piece.status();
          if (!piece->has_value()) break;
          EXPECT_EQ((*piece)->gap_length, 0);
          follow->all += (*piece)->data;
        }
        const bool found = !text.empty() && follow->all.find(text) != std::string::npos;
        if (!found && !follow->reader->AtEnd()) return;
        follow->done = true;
        wait.Done();
      };
      follow->reader = std::move(*(*log)->Read(0, pump));
      pump();
    });
    EXPECT_TRUE(wait.Await()) << "output so far: " << follow->all;
    std::string all;
    thread_.Call([&] {
      follow->reader.reset();
      all = follow->all;
    });
    return all;
  }
  std::string Output(const std::string& job_id, int rank, bool is_stderr = false) {
    return AwaitOutput(job_id, rank, "", is_stderr);
  }

  // The process id of the gang's shim.
  pid_t FindShim(const std::string& job_id) {
    const std::string gang_dir = absl::StrCat(tree_.Path("state/jobs/"), job_id, "/0");
    const std::vector<std::string> names = ListDir("/proc").value();
    for (const std::string& name : names) {
      pid_t pid;
      if (!absl::SimpleAtoi(name, &pid)) continue;
      const absl::StatusOr<std::string> line = ReadFile(absl::StrCat("/proc/", pid, "/cmdline"));
      if (line.ok() && line->find("msshim") != std::string::npos &&
          line->find(gang_dir) != std::string::npos) {
        return pid;
      }
    }
    return 0;
  }
  bool DevicesAreFree() {
    size_t free = 0;
    thread_.Call([&] { free = ledger_->FreeDevices().size(); });
    return free == 4;
  }

  // One event that another thread tells of.
  class Wait {
   public:
    explicit Wait(GangsTest* test) : test_(test) {}
    void Done() {
      const std::lock_guard<std::mutex> lock(test_->mutex_);
      done_ = true;
      test_->changed_.notify_all();
    }
    bool Await() {
      std::unique_lock<std::mutex> lock(test_->mutex_);
      return test_->changed_.wait_for(lock, kDeadline, [this] { return done_; });
    }

   private:
    GangsTest* const test_;
    bool done_ = false;
  };

  std::string shim_path_ = ShimPath();
  TempTree tree_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, v1::GangReport> reports_;  // Under mutex_.
  std::set<Key> started_;
  std::unique_ptr<Topology> topology_ = *Topology::Load();
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Gangs> gangs_;
  LoopThread thread_;  // Last: it uses all of the above.
};

TEST_F(GangsTest, ReportsEveryExitCodeAndKeepsEveryByte) {
  v1::StartGangRequest request =
      Shells(3, "echo out $MUSTER_RANK; echo err $MUSTER_RANK >&2; exit $MUSTER_RANK");
  request.mutable_spec()->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.error(), "");
  ASSERT_EQ(report.ranks_size(), 3);
  for (int i = 0; i < 3; ++i) {
    const v1::RankStatus& rank = report.ranks(i);
    EXPECT_EQ(rank.state(), v1::RANK_STATE_EXITED);
    ASSERT_TRUE(rank.exit().has_code());
    EXPECT_EQ(rank.exit().code(), i);
    EXPECT_GT(rank.pid(), 0);
    EXPECT_TRUE(rank.has_start_time() && rank.has_end_time());
    EXPECT_EQ(rank.stdout_bytes(), 6);
    EXPECT_EQ(Output(job, i), absl::StrCat("out ", i, "\n"));
    EXPECT_EQ(Output(job, i, /*is_stderr=*/true), absl::StrCat("err ", i, "\n"));
  }
}

TEST_F(GangsTest, TheFirstFailureStopsTheOthers) {
  const v1::StartGangRequest request = Shells(3, "[ $MUSTER_RANK = 1 ] && exit 3; exec sleep 1000");
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_EQ(report.ranks(1).exit().code(), 3);
  EXPECT_FALSE(report.ranks(1).exit().stopped());
  for (int i : {0, 2}) {
    EXPECT_TRUE(report.ranks(i).exit().stopped());
    EXPECT_NE(report.ranks(i).exit().code(), 3);
  }
}

TEST_F(GangsTest, StopKillsWhatIgnoresTerm) {
  const v1::StartGangRequest request =
      Shells(1, "trap '' TERM; echo ready; while :; do sleep 1000; done");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  AwaitOutput(job, 0, "ready");
  ASSERT_TRUE(Stop(request, absl::Milliseconds(50)).ok());
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().signal(), SIGKILL);
  EXPECT_TRUE(report.ranks(0).exit().stopped());
  EXPECT_TRUE(Stop(request, absl::ZeroDuration()).ok()) << "an ended gang";
}

TEST_F(GangsTest, TheSameStartTwiceRunsOnce) {
  const v1::StartGangRequest request = Shells(1, "echo life >> lives");
  ASSERT_TRUE(Start(request).ok());
  EXPECT_TRUE(StartOnly(request).ok());
  Finished(request.gang().job_id());
  EXPECT_TRUE(StartOnly(request).ok());
  EXPECT_EQ(*ReadFile(tree_.Path("lives")), "life\n");
}

TEST_F(GangsTest, TwoGangsDoNotMeet) {
  const v1::StartGangRequest a = Shells(2, "echo a; exit 0");
  v1::StartGangRequest b = Shells(2, "echo b; exit 4");
  b.mutable_spec()->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  ASSERT_TRUE(Start(a).ok());
  ASSERT_TRUE(Start(b).ok());
  EXPECT_EQ(Finished(a.gang().job_id()).ranks(0).exit().code(), 0);
  EXPECT_EQ(Output(a.gang().job_id(), 0), "a\n");
  EXPECT_EQ(Finished(b.gang().job_id()).ranks_size(), 2);
  EXPECT_EQ(Output(b.gang().job_id(), 0), "b\n");
}

TEST_F(GangsTest, AMissingProgramIsARankThatDidNotStart) {
  v1::StartGangRequest request = Shells(1, "");
  request.mutable_spec()->clear_command();
  request.mutable_spec()->add_command("/no/such/program");
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_TRUE(report.ranks(0).exit().has_not_started());
  EXPECT_NE(report.ranks(0).exit().not_started().find("/no/such/program"), std::string::npos);
  EXPECT_EQ(Output(request.gang().job_id(), 0), "");
}

TEST_F(GangsTest, AMissingWorkdirEndsTheGangWithOneLine) {
  v1::StartGangRequest request = Shells(2, "true");
  request.mutable_spec()->set_workdir("/no/such/workdir");
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_EQ(report.error(), "workdir /no/such/workdir: No such file or directory");
  EXPECT_EQ(report.ranks(1).exit().not_started(), report.error());
  EXPECT_FALSE(PathExists("/no/such"));
}

TEST_F(GangsTest, ALogDirectoryThatCannotBeMadeEndsTheGang) {
  tree_.Write("taken", "a file");
  v1::StartGangRequest request = Shells(1, "true");
  request.mutable_spec()->mutable_logs()->set_dir("taken/logs");
  ASSERT_TRUE(Start(request).ok());
  EXPECT_NE(Finished(request.gang().job_id()).error().find("logs.dir"), std::string::npos);
}

TEST_F(GangsTest, ASpecThatCannotBeRenderedIsRefusedAndLeavesNothing) {
  v1::StartGangRequest request = Shells(1, "true");
  request.mutable_spec()->set_contract("no-such-contract");
  EXPECT_TRUE(absl::IsInvalidArgument(Start(request)));
  EXPECT_FALSE(PathExists(tree_.Path("state/jobs/" + request.gang().job_id())));
}

TEST_F(GangsTest, AStartWithoutAReservationIsRefused) {
  EXPECT_TRUE(absl::IsFailedPrecondition(StartOnly(Shells(1, "true"))));
}

TEST_F(GangsTest, IdsThatLeadElsewhereAreRefused) {
  v1::StartGangRequest request = Shells(1, "true");
  request.mutable_gang()->set_job_id("../../evil-0a1b2c");
  EXPECT_TRUE(absl::IsInvalidArgument(Reserve(request).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(StartOnly(request)));
}

class NoShimTest : public GangsTest {
 protected:
  NoShimTest() { shim_path_ = "/no/such/msshim"; }
};

TEST_F(NoShimTest, TheGangEndsWithOneLineAndTheDevicesAreFree) {
  v1::StartGangRequest request = Shells(1, "true");
  v1::DeviceId* const device = request.mutable_placement()->mutable_nodes(0)->add_devices();
  device->set_kind("fake");
  device->set_physical(2);
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  EXPECT_NE(report.error().find("/no/such/msshim"), std::string::npos) << report.error();
  EXPECT_TRUE(report.ranks(0).exit().has_not_started());
  EXPECT_TRUE(DevicesAreFree());
}

TEST_F(GangsTest, DevicesAreHeldFromTheReservationToTheEnd) {
  v1::StartGangRequest first = Shells(1, "exec sleep 1000");
  for (int i : {0, 1}) {
    v1::DeviceId* const device = first.mutable_placement()->mutable_nodes(0)->add_devices();
    device->set_kind("fake");
    device->set_physical(i);
  }
  v1::StartGangRequest second = Shells(1, "true");
  *second.mutable_placement()->mutable_nodes(0)->add_devices() =
      first.placement().nodes(0).devices(1);
  ASSERT_TRUE(Reserve(first).ok());
  ASSERT_TRUE(Reserve(first).ok()) << "may be repeated";
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status()));
  ASSERT_TRUE(StartOnly(first).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status()));
  Crash();
  Boot();
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status())) << "after a crash";
  ASSERT_TRUE(Stop(first, absl::Seconds(5)).ok());
  Finished(first.gang().job_id());
  EXPECT_TRUE(DevicesAreFree());
  EXPECT_TRUE(Reserve(second).ok());
  v1::ReleaseGangRequest release;
  *release.mutable_gang() = second.gang();
  thread_.Call([&] { EXPECT_TRUE(gangs_->Release(release).ok()); });
  EXPECT_TRUE(DevicesAreFree());
}

TEST_F(GangsTest, ASecondAttemptWaitsForTheFirstToEnd) {
  const v1::StartGangRequest first = Shells(1, "exec sleep 1000");
  v1::StartGangRequest second = first;
  second.mutable_gang()->set_attempt(1);
  ASSERT_TRUE(Start(first).ok());
  ASSERT_TRUE(AwaitAllRunning(first.gang().job_id()));
  EXPECT_TRUE(absl::IsResourceExhausted(Reserve(second).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(StartOnly(second)));
  ASSERT_TRUE(Stop(first, absl::Seconds(5)).ok());
  Finished(first.gang().job_id());
  ASSERT_TRUE(Start(second).ok());
  EXPECT_TRUE(absl::IsAborted(StartOnly(first))) << "the older attempt is over";
}

TEST_F(GangsTest, ALowerEpochIsRefusedAlsoAfterACrash) {
  v1::StartGangRequest request = Shells(1, "true");
  request.mutable_gang()->set_epoch(7);
  ASSERT_TRUE(Start(request).ok());
  Finished(request.gang().job_id());
  thread_.Call([&] {
    EXPECT_TRUE(gangs_->ObserveEpoch(8).ok());
    EXPECT_TRUE(absl::IsAborted(gangs_->ObserveEpoch(7)));
  });
  Crash();
  Boot();
  thread_.Call([&] { EXPECT_EQ(gangs_->epoch(), 8); });
  EXPECT_TRUE(absl::IsAborted(Reserve(Shells(1, "true")).status()));
}

TEST_F(GangsTest, AnAcknowledgedGangIsNotReportedAgain) {
  const v1::StartGangRequest request = Shells(1, "echo hello");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(job);
  thread_.Call([&] {
    gangs_->Acknowledge(job, 0, report.sequence() - 1);
    EXPECT_EQ(gangs_->Reports().size(), 1u);
    gangs_->Acknowledge(job, 0, report.sequence());
    EXPECT_TRUE(gangs_->Reports().empty());
  });
  Crash();
  Boot();
  thread_.Call([&] { EXPECT_TRUE(gangs_->Reports().empty()); });
  EXPECT_EQ(Output(job, 0), "hello\n");
  started_.clear();
}

TEST_F(GangsTest, AnEndedGangIsReportedAlikeAfterACrash) {
  v1::StartGangRequest request = Shells(2, "echo hello; exit 5");
  request.mutable_spec()->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport before = Finished(job);
  Crash();
  Boot();
  EXPECT_EQ(Finished(job).DebugString(), before.DebugString());
  EXPECT_EQ(Output(job, 0), "hello\n");
}

TEST_F(GangsTest, TheEngineMayDieUnderRunningRanks) {
  v1::StartGangRequest request =
      Shells(4,
             "i=0; while [ ! -e go ] || [ $i -lt 500 ]; do "
             "echo line $i; i=$((i+1)); done; echo $i > count.$MUSTER_RANK; "
             "exit $((MUSTER_RANK + 10))");
  request.mutable_spec()->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  request.mutable_spec()->mutable_logs()->set_max_size(-1);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  for (int life = 0; life < 5; ++life) {
    AwaitOutput(job, life % 4, absl::StrCat("line ", 100 * life, "\n"));
    Crash();
    Boot();
    ASSERT_TRUE(AwaitAllRunning(job));
  }
  tree_.Write("go", "");
  const v1::GangReport report = Finished(job);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(report.ranks(i).exit().code(), i + 10);
    int count = 0;
    ASSERT_TRUE(absl::SimpleAtoi(*ReadFile(tree_.Path(absl::StrCat("count.", i))), &count));
    std::string expected;
    for (int line = 0; line < count; ++line) absl::StrAppend(&expected, "line ", line, "\n");
    EXPECT_TRUE(Output(job, i) == expected) << "rank " << i << " with " << count << " lines";
  }
}

TEST_F(GangsTest, ADeadShimIsReplacedAndNothingIsLost) {
  v1::StartGangRequest request =
      Shells(2,
             "i=0; while [ ! -e go ]; do echo line $i; i=$((i+1)); done; "
             "echo $i > count.$MUSTER_RANK; exit 6");
  request.mutable_spec()->set_on_failure(v1::FAILURE_ACTION_CONTINUE);
  request.mutable_spec()->mutable_logs()->set_max_size(-1);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(AwaitAllRunning(job));
  AwaitOutput(job, 0, "line 100\n");
  AwaitOutput(job, 1, "line 100\n");
  const pid_t shim = FindShim(job);
  ASSERT_GT(shim, 0);
  ASSERT_EQ(kill(shim, SIGKILL), 0);
  // The new shim has the pipes when there are more lines than pipes and files held by then.
  AwaitOutput(job, 0, "line 20000\n");
  tree_.Write("go", "");
  const v1::GangReport report = Finished(job);
  EXPECT_NE(FindShim(job), shim);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(report.ranks(i).exit().code(), 6) << report.ranks(i).DebugString();
    int count = 0;
    ASSERT_TRUE(absl::SimpleAtoi(*ReadFile(tree_.Path(absl::StrCat("count.", i))), &count));
    std::string expected;
    for (int line = 0; line < count; ++line) absl::StrAppend(&expected, "line ", line, "\n");
    EXPECT_TRUE(Output(job, i) == expected) << "rank " << i << " with " << count << " lines";
  }
}

TEST_F(GangsTest, WithoutEngineAndShimTheGangEndsAndSaysSo) {
  const v1::StartGangRequest request = Shells(2, "echo ready; exec sleep 1000");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(AwaitAllRunning(job));
  AwaitOutput(job, 0, "ready");
  const pid_t shim = FindShim(job);
  Crash();
  ASSERT_EQ(kill(shim, SIGKILL), 0);
  Boot();
  const v1::GangReport report = Finished(job);
  for (const v1::RankStatus& rank : report.ranks()) {
    // Known by the kernel's word, or said to be unknown; never a success.
    EXPECT_TRUE(rank.exit().has_unknown() || rank.exit().has_signal()) << rank.DebugString();
    EXPECT_FALSE(Runs(rank.pid()));
  }
}

TEST_F(GangsTest, UserLogFilesAreTheLog) {
  v1::StartGangRequest request = Shells(2, "echo hello $MUSTER_RANK");
  request.mutable_spec()->mutable_logs()->set_dir("logs/of/mine");
  request.mutable_spec()->mutable_logs()->set_names("rank_{rank}.{stream}");
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  Finished(job);
  EXPECT_EQ(*ReadFile(tree_.Path("logs/of/mine/rank_1.out")), "hello 1\n");
  EXPECT_EQ(Output(job, 1), "hello 1\n");
}

TEST_F(GangsTest, ARankStartsAgainAlone) {
  v1::StartGangRequest request =
      Shells(2,
             "if [ $MUSTER_RANK = 0 ]; then [ -e again ] && exit 0; touch again; exit 9; fi; "
             "while [ ! -e go ]; do sleep 0.01; done");
  request.mutable_spec()->mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  request.mutable_spec()->mutable_restart()->set_max_restarts(1);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(Await({job, 0}, [](const v1::GangReport& report) {
    return report.ranks(0).state() == v1::RANK_STATE_EXITED;
  }));
  v1::RestartRankRequest restart;
  *restart.mutable_gang() = request.gang();
  restart.set_role("worker");
  restart.set_restart(1);
  thread_.Call([&] {
    EXPECT_TRUE(gangs_->RestartRank(restart).ok());
    EXPECT_TRUE(gangs_->RestartRank(restart).ok()) << "may be repeated";
    restart.set_rank(1);
    EXPECT_TRUE(absl::IsFailedPrecondition(gangs_->RestartRank(restart)));
    restart.set_rank(2);
    EXPECT_TRUE(absl::IsNotFound(gangs_->RestartRank(restart)));
  });
  ASSERT_TRUE(Await({job, 0}, [](const v1::GangReport& report) {
    return report.ranks(0).restarts() == 1 && report.ranks(0).state() == v1::RANK_STATE_EXITED;
  }));
  tree_.Write("go", "");
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().code(), 0);
  EXPECT_EQ(report.ranks(1).exit().code(), 0);
}

TEST_F(GangsTest, AStopRightAfterACrashInTheStartLeavesNothingBehind) {
  for (int i = 0; i < 20; ++i) {
    const v1::StartGangRequest request = Shells(1, "exec sleep 1000");
    ASSERT_TRUE(Start(request).ok());
    Crash();
    Boot();
    ASSERT_TRUE(Stop(request, absl::Seconds(5)).ok());
    const v1::GangReport report = Finished(request.gang().job_id());
    EXPECT_TRUE(report.ranks(0).exit().has_not_started() || report.ranks(0).exit().stopped());
    if (report.ranks(0).pid() > 0) {
      EXPECT_FALSE(Runs(report.ranks(0).pid()));
    }
  }
}

// The gang of the last rank that fails waits for the scheduler's word, also over a crash.
TEST_F(GangsTest, TheLastRankMayStartAgainAlone) {
  v1::StartGangRequest request = Shells(1, "echo life; [ -e 1 ] && touch 2; touch 1; [ -e 2 ]");
  request.mutable_spec()->mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  request.mutable_spec()->mutable_restart()->set_max_restarts(2);
  const auto ended = [](const v1::GangReport& report) {
    return report.ranks(0).state() == v1::RANK_STATE_EXITED;
  };
  for (const bool crash : {false, true}) {
    unlink(tree_.Path("1").c_str());
    unlink(tree_.Path("2").c_str());
    *request.mutable_gang() = Ref(NewJobId("gangs-test"));
    const std::string id = request.gang().job_id();
    ASSERT_TRUE(Start(request).ok());
    ASSERT_TRUE(Await({id, 0}, ended));
    if (crash) {
      Crash();
      Boot();
      ASSERT_TRUE(Await({id, 0}, ended));
    }
    v1::RestartRankRequest restart;
    *restart.mutable_gang() = request.gang();
    restart.set_role("worker");
    restart.set_restart(1);
    thread_.Call([&] { EXPECT_TRUE(gangs_->RestartRank(restart).ok()); });
    const v1::GangReport report = Finished(id);
    EXPECT_EQ(report.ranks(0).restarts(), 1);
    EXPECT_EQ(report.ranks(0).exit().code(), 0) << report.DebugString();
    EXPECT_EQ(Output(id, 0), "life\nlife\n");
  }
}

TEST_F(GangsTest, AStopEndsAGangThatWaitsForTheSchedulersWord) {
  v1::StartGangRequest request = Shells(1, "exit 7");
  request.mutable_spec()->mutable_restart()->set_scope(v1::RESTART_SCOPE_RANK);
  request.mutable_spec()->mutable_restart()->set_max_restarts(2);
  const std::string job = request.gang().job_id();
  ASSERT_TRUE(Start(request).ok());
  ASSERT_TRUE(Await({job, 0}, [](const v1::GangReport& report) {
    return report.ranks(0).state() == v1::RANK_STATE_EXITED;
  }));
  ASSERT_TRUE(Stop(request, absl::ZeroDuration()).ok());
  const v1::GangReport report = Finished(job);
  EXPECT_EQ(report.ranks(0).exit().code(), 7);
  EXPECT_FALSE(report.ranks(0).exit().stopped());
}

TEST_F(GangsTest, MemoryIsLimitedForAllRanksTogetherAndTheVictimIsNamed) {
  v1::StartGangRequest request = Shells(1, "exec tail /dev/zero");
  request.mutable_spec()->mutable_limits()->set_memory(32 << 20);
  ASSERT_TRUE(Start(request).ok());
  const v1::GangReport report = Finished(request.gang().job_id());
  if (report.error().find("no cgroup controller") != std::string::npos) {
    GTEST_SKIP() << report.error();
  }
  EXPECT_EQ(report.ranks(0).exit().signal(), SIGKILL);
  EXPECT_TRUE(report.ranks(0).exit().out_of_memory());
}

struct HasFakeClock {
  FakeClock clock_;
};

// With a clock that only the test moves. Timers run when the loop wakes.
class RetentionTest : private HasFakeClock, public GangsTest {
 protected:
  RetentionTest() : GangsTest(&clock_) {}

  // A gang that ran, said hello and was acknowledged.
  v1::StartGangRequest Acknowledged() {
    const v1::StartGangRequest request = Shells(1, "echo hello");
    const std::string job = request.gang().job_id();
    EXPECT_TRUE(Start(request).ok());
    const v1::GangReport report = Finished(job);
    thread_.Call([&] { gangs_->Acknowledge(job, 0, report.sequence()); });
    // Another start answers when the disk has done all that was asked before it.
    EXPECT_TRUE(Start(Shells(1, "true")).ok());
    return request;
  }
  void Pass(absl::Duration time) {
    clock_.Advance(time);
    for (int i = 0; i < 2; ++i) thread_.Call([] {});  // A turn for the timers, and one to be sure.
  }
};

TEST_F(RetentionTest, AGangThatIsOverIsStillThereWhenAskedFor) {
  const v1::StartGangRequest request = Acknowledged();
  Pass(absl::Minutes(2));
  EXPECT_EQ(Output(request.gang().job_id(), 0), "hello\n");
  EXPECT_TRUE(StartOnly(request).ok()) << "the first answer again";
  thread_.Call([&] {
    for (const v1::GangReport& report : gangs_->Reports()) {
      EXPECT_NE(report.job_id(), request.gang().job_id());
    }
  });
}

TEST_F(RetentionTest, FilesGoWhenTheyWereKeptForLongEnough) {
  const v1::StartGangRequest request = Acknowledged();
  const std::string dir = tree_.Path("state/jobs/" + request.gang().job_id());
  Pass(absl::Minutes(2));
  Pass(absl::Hours(24 * 6));
  EXPECT_TRUE(PathExists(dir));
  Pass(absl::Hours(24 * 2));
  Crash();  // Waits for the disk.
  EXPECT_FALSE(PathExists(dir));
  Boot();
  started_.erase({request.gang().job_id(), 0});
}

// What an agent finds that died between the intent and the shim.
class IntentTest : public GangsTest {
 protected:
  v1::GangReport RecoverIntent(absl::Duration age, const std::string& boot_id,
                               bool stopped = false) {
    v1::StartGangRequest request = Shells(1, "echo ran; exit 2");
    const std::string job = request.gang().job_id();
    const GangDir dir = *GangDir::Make(tree_.Path("state"), job, 0);
    Crash();
    EXPECT_TRUE(dir.Create().ok());
    Intent intent{request, boot_id, Clock::Real()->Boot() - age};
    EXPECT_TRUE(dir.WriteIntent(intent, /*durable=*/false).ok());
    tree_.Write(absl::StrCat("state/jobs/", job, "/0/plan"), "of the start that was cut short");
    if (stopped) {
      EXPECT_TRUE(dir.WriteStop(absl::Seconds(1)).ok());
    }
    started_.insert({job, 0});
    Boot();
    const v1::GangReport report = Finished(job);
    const bool never_ran = report.ranks(0).exit().has_not_started();
    // A shim that was spawned before the crash and comes late must find nothing to start.
    EXPECT_EQ(PathExists(dir.plan_path()), !never_ran);
    return report;
  }
};

TEST_F(IntentTest, IsCarriedOutWhenFresh) {
  EXPECT_EQ(RecoverIntent(absl::Seconds(1), BootId()).ranks(0).exit().code(), 2);
}

TEST_F(IntentTest, IsDroppedWhenOldOrStoppedOrOfAnotherBoot) {
  EXPECT_TRUE(RecoverIntent(absl::Minutes(1), BootId()).ranks(0).exit().has_not_started());
  EXPECT_TRUE(RecoverIntent(absl::Seconds(1), "another").ranks(0).exit().has_not_started());
  EXPECT_TRUE(RecoverIntent(absl::Seconds(1), BootId(), /*stopped=*/true)
                  .ranks(0)
                  .exit()
                  .has_not_started());
}

}  // namespace
}  // namespace muster

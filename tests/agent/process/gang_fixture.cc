#include "tests/agent/process/gang_fixture.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "agent/shim/log_format.h"
#include "common/base/fs.h"

namespace muster {

std::string ShimPath() { return absl::StrCat(getenv("TEST_SRCDIR"), "/muster/agent/shim/msshim"); }

bool Lives(int pid) {
  const absl::StatusOr<std::string> stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  return stat.ok() && !absl::StrContains(*stat, ") Z ");
}

std::string Contents(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadFile(path);
  return bytes.ok() ? *std::move(bytes) : "";
}

void EventLog::OnStarted(int index, int restart, int pid, absl::Time when) {
  pids[{index, restart}] = pid;
}

void EventLog::OnExit(const RankExit& exit) { exits.push_back(exit); }

void EventLog::OnGrew(int index, bool is_stderr, int64_t length) {
  lengths[{index, is_stderr}] = length;
}

void EventLog::OnGone(const absl::Status& status) {
  ++gone;
  gone_status = status;
}

RankExit EventLog::Exit(int index) const {
  for (size_t i = exits.size(); i-- > 0;) {
    if (exits[i].index == index) return exits[i];
  }
  ADD_FAILURE() << "rank " << index << " has no exit";
  return RankExit();
}

GangTest::GangTest() {
  std::string name = absl::StrCat(getenv("TEST_TMPDIR"), "/gang.", getpid(), ".XXXXXX");
  dir_ = mkdtemp(name.data());
}

GangTest::~GangTest() {
  if (client_ != nullptr && log_.finished == 0 && log_.gone == 0) {
    client_->Stop(absl::ZeroDuration());
    AwaitFinished();
  }
  client_.reset();
  loop_.RunDue();
  EXPECT_TRUE(RemoveTree(dir_).ok());
}

ShimPlan GangTest::Scripts(const std::vector<std::string>& scripts) const {
  ShimPlan plan;
  plan.job_id = BaseName(dir_);  // Of its own: a successor finds strays by it.
  plan.gang_dir = dir_;
  plan.durable = false;
  for (size_t i = 0; i < scripts.size(); ++i) {
    ShimRank rank;
    rank.role = "worker";
    rank.rank = static_cast<int32_t>(i);
    rank.argv = {"/bin/sh", "-c", scripts[i]};
    rank.env = {"PATH=/usr/local/bin:/usr/bin:/bin", absl::StrCat("MUSTER_JOB_ID=", plan.job_id),
                "MUSTER_ATTEMPT=0"};
    rank.workdir = dir_;
    plan.ranks.push_back(rank);
  }
  return plan;
}

void GangTest::WritePlan(const ShimPlan& plan) {
  plan_ = plan;
  ASSERT_TRUE(WriteFile(Path(kPlanFile), EncodeShimPlan(plan)).ok());
}

void GangTest::Spawn(const ShimPlan& plan) {
  WritePlan(plan);
  absl::StatusOr<std::unique_ptr<ShimClient>> client =
      ShimClient::Spawn({ShimPath(), dir_, ""}, &loop_, &log_);
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
}

bool GangTest::Await(const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!done()) {
    if (absl::Now() > deadline) {
      ADD_FAILURE() << "waited too long";
      return false;
    }
    if (!loop_.RunDue()) sched_yield();
  }
  return true;
}

bool GangTest::AwaitFinished() {
  return Await([this] { return log_.finished > 0 || log_.gone > 0; });
}

int GangTest::ShimPid() const {
  const absl::StatusOr<std::vector<std::string>> pids = ListDir("/proc");
  for (const std::string& name : *pids) {
    int pid = 0;
    if (!absl::SimpleAtoi(name, &pid)) continue;
    const std::string command = Contents(absl::StrCat("/proc/", pid, "/cmdline"));
    const std::vector<std::string> words = absl::StrSplit(command, '\0');
    if (words.size() > 1 && absl::EndsWith(words[0], "msshim") && words[1] == dir_) return pid;
  }
  return -1;
}

void GangTest::KillShim() {
  const int pid = ShimPid();
  ASSERT_GT(pid, 0);
  kill(pid, SIGKILL);
}

std::string GangTest::Output(int index, bool is_stderr) const {
  const ShimRank& rank = plan_.ranks[static_cast<size_t>(index)];
  const std::string user_path = is_stderr ? rank.err_path : rank.out_path;
  if (!user_path.empty()) return Contents(user_path);
  const std::string stream = StreamName(rank.role, rank.rank, is_stderr);
  const absl::StatusOr<std::vector<std::string>> names = ListDir(Path(kLogsDir));
  std::string bytes;
  int64_t offset = 0;
  for (const std::string& name : *names) {  // Sorted: the digits are of fixed width.
    if (ParseSegmentName(stream, name, &offset)) bytes += Contents(Path(kLogsDir) + "/" + name);
  }
  return bytes;
}

}  // namespace muster

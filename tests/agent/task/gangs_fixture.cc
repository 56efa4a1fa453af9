#include "tests/agent/task/gangs_fixture.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/shim/kernel.h"
#include "common/base/fs.h"
#include "common/base/ids.h"
#include "common/base/unique_fd.h"
#include "common/job/job_defaults.h"

namespace muster {

v1::GangRef Ref(const std::string& job_id, int attempt, int64_t epoch) {
  v1::GangRef gang;
  gang.set_job_id(job_id);
  gang.set_attempt(attempt);
  gang.set_epoch(epoch);
  return gang;
}

bool Runs(pid_t pid) {
  const absl::StatusOr<std::string> stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  return stat.ok() && stat->find(") Z ") == std::string::npos;
}

bool AwaitGone(pid_t pid) {
  const UniqueFd pidfd(PidfdOpen(pid));
  pollfd gone = {pidfd.get(), POLLIN, 0};
  return !pidfd.valid() || poll(&gone, 1, /*timeout=*/30'000) == 1;
}

std::string GangsTest::ShimPath() {
  char buffer[4096];
  return absl::StrCat(getcwd(buffer, sizeof(buffer)), "/agent/shim/msshim");
}

void GangsTest::SetUp() {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  Boot();
}

void GangsTest::TearDown() {
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

void GangsTest::Boot() {
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
    options.cgroup_root = cgroup_root_;
    options.keeps_lease = keeps_lease_;
    options.base_env = {{"PATH", "/usr/bin:/bin"}};
    gangs_ = Gangs::Make(options, thread_.loop(), ledger_.get(), topology_.get());
    gangs_->SetReportSink([this](const v1::GangReport& report) { Take(report); });
    gangs_->Recover([&](const absl::Status& status) {
      recovered = status;
      hello_ = gangs_->Reports();
      wait.Done();
    });
  });
  ASSERT_TRUE(wait.Await());
  ASSERT_TRUE(recovered.ok()) << recovered;
  thread_.Call([this] {
    for (const v1::GangReport& report : gangs_->Reports()) Take(report);
  });
}

void GangsTest::Crash() {
  thread_.Call([this] { gangs_.reset(); });
  const std::lock_guard<std::mutex> lock(mutex_);
  reports_.clear();
}

void GangsTest::Take(const v1::GangReport& report) {
  const std::lock_guard<std::mutex> lock(mutex_);
  v1::GangReport& last = reports_[{report.job_id(), report.attempt()}];
  EXPECT_GE(report.sequence(), last.sequence());
  last = report;
  changed_.notify_all();
}

bool GangsTest::Await(const Key& key, const std::function<bool(const v1::GangReport&)>& is_it) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, kDeadline, [&] {
    const auto it = reports_.find(key);
    return it != reports_.end() && is_it(it->second);
  });
}

v1::GangReport GangsTest::Finished(const std::string& job_id, int attempt) {
  EXPECT_TRUE(Await({job_id, attempt}, [](const v1::GangReport& r) { return r.finished(); }));
  const std::lock_guard<std::mutex> lock(mutex_);
  return reports_[{job_id, attempt}];
}

bool GangsTest::AwaitAllRunning(const std::string& job_id, int attempt) {
  return Await({job_id, attempt}, [](const v1::GangReport& report) {
    for (const v1::RankStatus& rank : report.ranks()) {
      if (rank.state() != v1::RANK_STATE_RUNNING) return false;
    }
    return report.ranks_size() > 0;
  });
}

v1::StartGangRequest GangsTest::Shells(int ranks, const std::string& script) const {
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

absl::StatusOr<v1::NodePlacement> GangsTest::Reserve(const v1::StartGangRequest& start) {
  v1::ReserveGangRequest request;
  *request.mutable_gang() = start.gang();
  *request.mutable_placement() = start.placement().nodes(0);
  request.mutable_ttl()->set_seconds(60);
  absl::StatusOr<v1::NodePlacement> answer = absl::UnknownError("");
  thread_.Call([&] { answer = gangs_->Reserve(request); });
  return answer;
}

absl::Status GangsTest::StartOnly(const v1::StartGangRequest& request) {
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

absl::Status GangsTest::Start(const v1::StartGangRequest& request) {
  const absl::Status reserved = Reserve(request).status();
  return reserved.ok() ? StartOnly(request) : reserved;
}

absl::Status GangsTest::Stop(const v1::StartGangRequest& start, absl::Duration grace) {
  v1::StopGangRequest request;
  *request.mutable_gang() = start.gang();
  request.mutable_grace()->set_seconds(absl::ToInt64Seconds(grace));
  request.mutable_grace()->set_nanos(
      static_cast<int>(absl::ToInt64Nanoseconds(grace) % 1'000'000'000));
  absl::Status answer;
  thread_.Call([&] { answer = gangs_->Stop(request); });
  return answer;
}

std::string GangsTest::AwaitOutput(const std::string& job_id, int rank, const std::string& text,
                                   bool is_stderr) {
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

std::string GangsTest::Output(const std::string& job_id, int rank, bool is_stderr) {
  return AwaitOutput(job_id, rank, "", is_stderr);
}

pid_t GangsTest::FindShim(const std::string& job_id) {
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

bool GangsTest::DevicesAreFree() {
  size_t free = 0;
  thread_.Call([&] { free = ledger_->FreeDevices().size(); });
  return free == 4;
}

}  // namespace muster

// The rooms that keep state on disk, without the daemons around them: D3, D4 and D5 of the fault
// matrix look at what they write, and give them damage to read.
//
//   disk_worker write DIR    does what a host and its scheduler write down in some minutes. Each
//   thing
//                            that somebody is told of is marked (disk_preload.c) at that moment
//   disk_worker fill DIR N   a scheduler.db with N ended jobs of 8 ranks, as after some busy weeks
//   disk_worker read         for each line "DIR" or "DIR PART" of stdin: what is known there after
//   a
//                            start, one fact a line ("lost WHAT: WHY" where it is refused), then
//                            "end"
//
// Dynamically linked to libc, so that calls can be recorded; msshim itself is not.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/node_identity.h"
#include "agent/process/gang_record.h"
#include "agent/shim/exit_journal.h"
#include "agent/shim/log_format.h"
#include "agent/task/disk_thread.h"
#include "agent/task/gang_dir.h"
#include "agent/task/node_lease.h"
#include "agent/task/recovery.h"
#include "agent/task/state_counter.h"
#include "common/base/event_loop.h"
#include "common/base/failpoint.h"
#include "common/base/fs.h"
#include "common/rpc/crc32c.h"
#include "glog/logging.h"
#include "scheduler/store/sqlite_store.h"

namespace muster {
namespace {

constexpr int kRanks = 3;
constexpr int kGangs = 3;
constexpr int kJobs = 12;
constexpr int kSessions = 2;          // Of the store: the second one begins on what the first left.
constexpr int kCheckpointPages = 40;  // So that a few dozen commits go through one.

std::string JobName(int number) { return absl::StrCat("job-", absl::Hex(number + 0xabc000)); }

void Mark(const std::string& text) {
  using MarkFn = void (*)(const char*);
  static const auto mark = reinterpret_cast<MarkFn>(dlsym(RTLD_DEFAULT, "disk_preload_mark"));
  if (mark != nullptr) mark(text.c_str());
  std::printf("%s\n", text.c_str());
}

// The agent ends when its state cannot be kept, and so does this.
void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "disk_worker: %s\n", std::string(status.message()).c_str());
  std::fflush(stdout);
  _exit(1);
}
void Require(bool done, const char* what) {
  if (!done) Require(absl::InternalError(what));
}

std::string Fact(const JournalRecord& exit) {
  return absl::StrCat(exit.index, " ", exit.restart, " code=", exit.code, " signal=", exit.signal,
                      " bytes=", exit.out_bytes, ",", exit.err_bytes);
}

void WriteCounters(const std::string& dir) {
  for (int i = 1; i <= 4; ++i) {
    const absl::StatusOr<NodeIdentity> identity = BeginIncarnation(dir);
    Require(identity.status());
    Mark(absl::StrCat("node ", identity->id));
    Mark(absl::StrCat("incarnation ", identity->incarnation));
    Require(WriteCounter(JoinPath(dir, "epoch"), 7 * i, /*durable=*/true));
    Mark(absl::StrCat("epoch ", 7 * i));
    const NodeLease lease{7 * i, absl::Seconds(1000 + i), absl::Seconds(10)};
    // Neither is promised to outlive the host: only to be read as it was written, or not at all.
    std::printf("lease %d %d\n", 7 * i, 1000 + i);
    Require(WriteLease(JoinPath(dir, "lease"), lease));
  }
}

v1::StartGangRequest RequestOf(int number) {
  v1::StartGangRequest request;
  request.mutable_gang()->set_job_id(JobName(number));
  request.mutable_gang()->set_attempt(0);
  request.mutable_gang()->set_epoch(7);
  request.mutable_spec()->set_name(absl::StrCat("the job number ", number));
  return request;
}

void WriteGang(const std::string& state_dir, int number, EventLoop* loop, DiskThread* disk) {
  const absl::StatusOr<GangDir> dir = GangDir::Make(state_dir, JobName(number), 0);
  Require(dir.status());
  Intent intent{RequestOf(number), "boot", absl::Seconds(5)};
  bool done = false;
  absl::Status recorded;
  disk->RunDurably(
      [dir = *dir, intent]() -> absl::StatusOr<std::vector<std::string>> {
        absl::StatusOr<std::vector<std::string>> made = dir.Create();
        if (!made.ok()) return made.status();
        const absl::Status written =
            dir.WriteIntent(intent, /*durable=*/!Planted("skip_intent_fsync"));
        if (!written.ok()) return written;
        return made;
      },
      [&](const absl::Status& status) {
        recorded = status;
        done = true;
      });
  while (!done) {
    if (!loop->RunDue()) usleep(200);
  }
  Require(recorded);
  Mark(absl::StrCat("intent ", JobName(number)));
  ExitJournal journal;
  JournalContents before;
  const std::string path = JoinPath(dir->path(), kExitsFile);
  Require(journal.Open(path, kRanks, /*durable=*/true, &before), "exit journal: open");
  for (int rank = 0; rank < kRanks; ++rank) {
    JournalRecord started;
    started.kind = JournalKind::kStarted;
    started.index = rank;
    started.pid = 100 + rank;
    Require(journal.Append(started), "exit journal: append");
  }
  if (number == 1) Require(dir->WriteStop(absl::Seconds(5)));
  for (int rank = 0; rank < kRanks; rank += 2) {
    std::vector<JournalRecord> exits;
    for (int i = rank; i < std::min(rank + 2, kRanks); ++i) {
      JournalRecord exit;
      exit.kind = JournalKind::kExit;
      exit.index = i;
      exit.code = 40 + i;
      exit.out_bytes = 1000 + i;
      exits.push_back(exit);
    }
    Require(journal.Append(exits) && journal.Sync(), "exit journal: exits");
    for (const JournalRecord& exit : exits) {
      Mark(absl::StrCat("exit ", JobName(number), " ", Fact(exit)));
    }
  }
  if (number == 2) return;  // The host goes down before this one's end.
  JournalRecord finished;
  finished.kind = JournalKind::kFinished;
  Require(journal.Append(finished) && journal.Sync(), "exit journal: end");
  v1::GangReport report;
  report.set_job_id(JobName(number));
  report.set_sequence(9);
  report.set_finished(true);
  Require(dir->WriteReport(report));
  if (number == 0) Require(dir->WriteAcked());
}

JobRecord RecordOf(int number, int version) {
  JobRecord record;
  record.job.set_id(JobName(number));
  record.job.mutable_spec()->set_name(absl::StrCat("spec of ", number));
  record.job.mutable_status()->set_version(version);
  record.job.mutable_status()->set_reason(std::string(2500, static_cast<char>('a' + number)));
  return record;
}

std::string JobFact(const v1::Job& job) {
  std::string bytes = job.SerializeAsString();
  return absl::StrCat("job ", job.id(), " ", job.status().version(), " ", absl::Hex(Crc32c(bytes)));
}

absl::StatusOr<std::unique_ptr<StateStore>> OpenStore(const std::string& dir, EventLoop* loop) {
  SqliteStoreOptions options;
  options.path = JoinPath(dir, "scheduler.db");
  options.checkpoint_pages = kCheckpointPages;
  return OpenSqliteStore(options, loop);
}

// One commit, until it is answered.
void Commit(StateStore* store, EventLoop* loop, StateBatch batch,
            const std::vector<std::string>& marks) {
  std::printf("try %s\n", absl::StrJoin(marks, "\ntry ").c_str());
  bool done = false;
  store->Commit(std::move(batch), [&](const absl::Status& status) {
    Require(status);
    for (const std::string& mark : marks) Mark(mark);
    done = true;
  });
  while (!done) {
    if (!loop->RunDue()) usleep(100);
  }
}

void WriteStore(const std::string& dir, EventLoop* loop) {
  for (int session = 0; session < kSessions; ++session) {
    absl::StatusOr<std::unique_ptr<StateStore>> store = OpenStore(dir, loop);
    Require(store.status());
    const absl::StatusOr<StoredState> state = (*store)->Load();
    Require(state.status());
    StateStore* const open = store->get();
    // The last one is never closed: its log stays where it is.
    if (session + 1 == kSessions) static_cast<void>(store->release());
    Mark(absl::StrCat("store_epoch ", state->epoch));
    for (int number = session * kJobs; number < (session + 1) * kJobs; ++number) {
      StateBatch submit;
      submit.refuse_when_full = true;
      submit.put_jobs.push_back(RecordOf(number, 1));
      submit.put_requests.push_back(
          {absl::StrCat("request-", number), JobName(number), absl::FromUnixSeconds(1000)});
      Commit(open, loop, submit,
             {JobFact(submit.put_jobs[0].job),
              absl::StrCat("request request-", number, " ", JobName(number))});
      StateBatch change;
      change.put_jobs.push_back(RecordOf(number, 2));
      change.put_nodes.push_back({absl::StrCat("node-", number % 3), true, number % 2 == 1,
                                  absl::StrCat("order ", number)});
      Commit(open, loop, change,
             {JobFact(change.put_jobs[0].job),
              absl::StrCat("order node-", number % 3, " ", number % 2, " order ", number)});
    }
  }
}

int Write(const std::string& dir) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  EventLoop loop;
  WriteCounters(dir);
  {
    DiskThread disk(&loop, /*durable=*/true);
    for (int number = 0; number < kGangs; ++number) WriteGang(dir, number, &loop, &disk);
  }
  WriteStore(dir, &loop);
  std::fflush(stdout);
  _exit(0);  // As a crash would.
}

JobRecord EndedJob(int number) {
  JobRecord record;
  record.job.set_id(JobName(number));
  v1::JobSpec* const spec = record.job.mutable_spec();
  spec->set_name("job");
  spec->set_contract("torch");
  for (const char* word : {"python3", "train.py", "--config", "large.yaml"}) {
    spec->add_command(word);
  }
  v1::JobStatus* const status = record.job.mutable_status();
  status->set_state(v1::JOB_STATE_SUCCEEDED);
  status->set_version(9);
  status->mutable_submit_time()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 3600);
  *status->mutable_end_time() = status->submit_time();
  v1::Attempt* const attempt = status->add_attempts();
  *attempt->mutable_start_time() = status->submit_time();
  for (int rank = 0; rank < 8; ++rank) {
    v1::RankStatus* const one = attempt->add_ranks();
    one->set_role("worker");
    one->set_rank(rank);
    one->set_node_name("node-1");
    one->set_state(v1::RANK_STATE_EXITED);
    one->mutable_exit()->set_code(0);
  }
  return record;
}

int Fill(const std::string& dir, int jobs) {
  EventLoop loop;
  absl::StatusOr<std::unique_ptr<StateStore>> store = OpenStore(dir, &loop);
  Require(store.status());
  Require((*store)->Load().status());
  StateBatch batch;
  for (int number = 0; number < jobs; ++number) {
    batch.put_jobs.push_back(EndedJob(number));
    batch.put_requests.push_back({absl::StrCat("request-", number), JobName(number), absl::Now()});
  }
  Commit(store->get(), &loop, std::move(batch), {});
  return 0;
}

// --- What a start makes of a directory.

void Lost(const char* what, const absl::Status& status) {
  std::printf("lost %s: %s\n", what, std::string(status.message()).c_str());
}

void ReadCounters(const std::string& dir) {
  const absl::StatusOr<NodeIdentity> identity = BeginIncarnation(dir);
  if (identity.ok()) {
    std::printf("node %s\nincarnation %ld\n", identity->id.c_str(),
                static_cast<long>(identity->incarnation));
  } else {
    Lost("identity", identity.status());
  }
  const absl::StatusOr<int64_t> epoch = ReadCounter(JoinPath(dir, "epoch"));
  if (epoch.ok()) {
    std::printf("epoch %ld\n", static_cast<long>(*epoch));
  } else {
    Lost("epoch", epoch.status());
  }
  const std::optional<NodeLease> lease = ReadLease(JoinPath(dir, "lease"));
  if (!lease.has_value()) {
    std::puts("lease none");
  } else if (lease->until == absl::ZeroDuration()) {
    std::puts("lease out");
  } else {
    std::printf("lease %ld %ld grace %ld\n", static_cast<long>(lease->epoch),
                static_cast<long>(absl::ToInt64Seconds(lease->until)),
                static_cast<long>(absl::ToInt64Seconds(lease->grace)));
  }
}

void ReadGangs(const std::string& dir) {
  const absl::StatusOr<FoundGangs> found = FindGangs(dir, [](const GangDir&) { return false; });
  if (!found.ok()) return Lost("gangs", found.status());
  for (const std::string& problem : found->problems) Lost("gang", absl::DataLossError(problem));
  for (const FoundGang& gang : found->gangs) {
    const v1::StartGangRequest& request = gang.intent.request;
    std::printf(
        "intent %s %s stop=%ld report=%d acked=%d\n", request.gang().job_id().c_str(),
        request.spec().name().c_str(),
        gang.stop.has_value() ? static_cast<long>(absl::ToInt64Milliseconds(*gang.stop)) : -1,
        gang.report.has_value() ? static_cast<int>(gang.report->sequence()) : -1,
        gang.acked.has_value() ? 1 : 0);
    if (!HasGangRecord(gang.dir.path())) continue;
    const absl::StatusOr<GangRecord> record = ReadGangRecord(gang.dir.path());
    if (!record.ok()) {
      Lost("exits", record.status());
      continue;
    }
    for (const RankExit& exit : record->exits) {
      std::printf("exit %s %d %d code=%d signal=%d bytes=%ld,%ld\n",
                  request.gang().job_id().c_str(), exit.index, exit.restart, exit.code, exit.signal,
                  static_cast<long>(exit.out_bytes), static_cast<long>(exit.err_bytes));
    }
    if (record->finished) std::printf("finished %s\n", request.gang().job_id().c_str());
  }
}

void ReadStore(const std::string& dir) {
  EventLoop loop;
  const absl::StatusOr<std::unique_ptr<StateStore>> store = OpenStore(dir, &loop);
  if (!store.ok()) return Lost("store", store.status());
  const absl::StatusOr<StoredState> state = (*store)->Load();
  if (!state.ok()) return Lost("store", state.status());
  std::printf("store_epoch %ld\n", static_cast<long>(state->epoch));
  for (const JobRecord& record : state->jobs) std::puts(JobFact(record.job).c_str());
  for (const RequestRecord& request : state->requests) {
    std::printf("request %s %s\n", request.request_id.c_str(), request.job_id.c_str());
  }
  for (const NodeRecord& node : state->nodes) {
    std::printf("order %s %d %s\n", node.node_id.c_str(), node.draining ? 1 : 0,
                node.reason.c_str());
  }
}

int Read() {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string dir;
    std::string part;
    words >> dir >> part;
    if (part.empty() || part == "counters") ReadCounters(dir);
    if (part.empty() || part == "gangs") ReadGangs(dir);
    if (part.empty() || part == "store") ReadStore(dir);
    std::puts("end");
    std::fflush(stdout);
  }
  return 0;
}

int Main(int argc, char** argv) {
  google::InitGoogleLogging(argv[0]);
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "write" && argc == 3) return Write(argv[2]);
  if (verb == "fill" && argc == 4) return Fill(argv[2], std::atoi(argv[3]));
  if (verb == "read" && argc == 2) return Read();
  std::fprintf(stderr, "usage: disk_worker write DIR | fill DIR N | read\n");
  return 2;
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) { return muster::Main(argc, argv); }

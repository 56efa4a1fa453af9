#include "ctl/frontend/msrun/msrun_job.h"

#include <sys/types.h>

#include <csignal>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "ctl/frontend/argparse/python_text.h"
#include "ctl/frontend/msrun/log_excerpt.h"

namespace muster {
namespace {

constexpr size_t kExcerptLines = 200;  // Of one file.
constexpr int kLastLines = 20;

// As Python's Popen.returncode.
int ReturnCode(const ProcessEnd& end) { return end.signal != 0 ? -end.signal : end.code; }

std::string HowItEnded(const ProcessEnd& end) {
  if (end.signal == 0) return absl::StrCat("exit code ", end.code);
  return absl::StrCat("killed by signal ", end.signal, " (SIG", sigabbrev_np(end.signal), ")");
}

}  // namespace

MsrunJob::MsrunJob(const Options& options, const MsrunFlags& flags, const MsrunPlan& plan,
                   EventLoop* loop, Signals* signals, MsrunConsole* console)
    : options_(options),
      flags_(flags),
      plan_(plan),
      loop_(loop),
      signals_(signals),
      console_(console) {}

int MsrunJob::Run() {
  const absl::Status status = StartAll();
  if (!status.ok()) {
    console_->PrintError(absl::StrCat("RuntimeError: ", status.message()));
    if (set_ != nullptr) StopAll(absl::ZeroDuration());
    if (set_ != nullptr) loop_->Run();
    return 1;
  }
  if (flags_.join) {
    console_->Log(MsLevel::kWarning,
                  "Distributed job is spawned. Waiting all processes to exit...");
    Proceed();
  } else {
    loop_->RunDue();  // A signal that came meanwhile.
  }
  if (flags_.join || signal_ != 0) loop_->Run();
  return Conclude();
}

absl::Status MsrunJob::StartAll() {
  MUSTER_ASSIGN_OR_RETURN(set_, ProcessSet::Create(loop_, /*survive=*/!flags_.join));
  set_->set_on_end([this](int index, const ProcessEnd& end) { OnEnd(index, end); });
  signals_->Watch(loop_, [this](int signal) { OnSignal(signal); });
  if (flags_.join) {
    MUSTER_ASSIGN_OR_RETURN(follower_, LogFollower::Create(loop_));
    follower_->set_gate([this] { return console_->Offer(); });
    MUSTER_RETURN_IF_ERROR(ShareTerminal());
  }
  for (const std::string& warning : plan_.warnings) console_->Log(MsLevel::kWarning, warning);
  if (plan_.scheduler) {
    MUSTER_RETURN_IF_ERROR(Start(*plan_.scheduler, plan_.workers.size(), &scheduler_));
  }
  for (const std::string& warning : plan_.worker_warnings) {
    console_->Log(MsLevel::kWarning, warning);
  }
  workers_left_ = static_cast<int>(plan_.workers.size());
  for (size_t i = 0; i < plan_.workers.size(); ++i) MUSTER_RETURN_IF_ERROR(StartWorker(i));
  return absl::OkStatus();
}

absl::Status MsrunJob::ShareTerminal() {
  MUSTER_ASSIGN_OR_RETURN(relay_, StdinRelay::CreateForTerminal(loop_));
  const size_t sharers = plan_.workers.size() + (plan_.scheduler ? 1 : 0);
  while (relay_ != nullptr && stdins_.size() < sharers) {
    MUSTER_ASSIGN_OR_RETURN(const int fd, relay_->Add());
    stdins_.push_back(fd);
  }
  return absl::OkStatus();
}

absl::Status MsrunJob::Start(const MsrunProcess& process, size_t nth, int* index) {
  MUSTER_ASSIGN_OR_RETURN(*index, set_->Start(process.spec, relay_ ? stdins_[nth] : -1));
  if (relay_ != nullptr) relay_->Started(static_cast<int>(nth), set_->pid(*index));
  return absl::OkStatus();
}

absl::Status MsrunJob::StartWorker(size_t nth) {
  const MsrunProcess& worker = plan_.workers[nth];
  console_->Print(worker.console_line);
  for (const std::string& warning : worker.warnings) console_->Log(MsLevel::kWarning, warning);
  int index = -1;
  MUSTER_RETURN_IF_ERROR(Start(worker, nth, &index));
  workers_.push_back(index);
  if (follower_ == nullptr || !worker.shown) return absl::OkStatus();
  return follower_->Follow(worker.spec.out_path, 0, [this](absl::string_view bytes) {
    console_->Print(bytes);
    if (relay_ != nullptr) relay_->Nudge();
  });
}

void MsrunJob::OnSignal(int signal) {
  if (signal_ == 0) {
    const std::string name = signal == SIGINT ? "SIGNIN (Ctrl+C)"  // The original's spelling.
                                              : absl::StrCat("SIG", sigabbrev_np(signal));
    console_->Log(MsLevel::kWarning,
                  absl::StrCat("msrun process received ", name, ", terminating all workers."));
  }
  const bool at_once = signal == SIGINT || signal_ != 0;
  if (signal_ == 0) signal_ = signal;
  StopAll(at_once ? absl::ZeroDuration() : options_.stop_grace);
}

void MsrunJob::OnEnd(int index, const ProcessEnd& end) {
  if (index == scheduler_) {
    OnSchedulerEnd(end);
  } else {
    OnWorkerEnd(index, end);
  }
  if (flags_.join && signal_ == 0) Proceed();
}

void MsrunJob::OnWorkerEnd(int index, const ProcessEnd& end) {
  --workers_left_;
  if (end.code != 0 && culprit_ < 0 && signal_ == 0) {
    console_->Log(MsLevel::kError,
                  absl::StrCat("Worker process ", set_->pid(index),
                               " exit with exception. Error code: ", ReturnCode(end), "."));
    Fail(index, end);
  }
}

void MsrunJob::OnSchedulerEnd(const ProcessEnd& end) {
  scheduler_end_ = end;
  if (end.code == 0 || signal_ != 0 || scheduler_late_) return;
  console_->Log(MsLevel::kError,
                absl::StrCat("Scheduler process ", set_->pid(scheduler_),
                             " exit with exception. Error code: ", ReturnCode(end), "."));
  if (culprit_ < 0) Fail(scheduler_, end);
}

void MsrunJob::Fail(int index, const ProcessEnd& end) {
  culprit_ = index;
  failure_ = end;
  if (!flags_.join) return;
  if (workers_left_ > 0) {
    console_->Log(MsLevel::kWarning,
                  "There's worker exits with exception, kill all other workers.");
  }
  set_->Sweep(workers_);
  AwaitScheduler(options_.scheduler_wait_after_failure);
}

void MsrunJob::AwaitScheduler(absl::Duration wait) {
  if (scheduler_ < 0 || scheduler_end_) return;
  loop_->After(wait, [this, wait] {
    if (scheduler_end_ || signal_ != 0) return;
    scheduler_late_ = true;
    console_->Log(MsLevel::kError,
                  absl::StrCat("Scheduler process ", set_->pid(scheduler_), " did not end within ",
                               absl::FormatDuration(wait), " of the workers and is killed."));
    OnSchedulerLate();
  });
}

void MsrunJob::OnSchedulerLate() {
  // A failed job has its cause already; after a success this is one.
  if (culprit_ < 0) {
    culprit_ = scheduler_;
    failure_.signal = SIGKILL;
    failure_.code = 128 + SIGKILL;
  }
  StopAll(absl::ZeroDuration());
}

void MsrunJob::Proceed() {
  if (workers_left_ > 0) return;
  if (scheduler_ < 0 || scheduler_end_) return StopAll(absl::ZeroDuration());
  if (culprit_ < 0 && !workers_.empty() && plan_.whole_job_here) {
    AwaitScheduler(options_.scheduler_wait);
  }
}

void MsrunJob::StopAll(absl::Duration grace) {
  set_->Stop(grace, [this] { loop_->Stop(); });
}

int MsrunJob::Conclude() {
  if (signal_ != 0) {
    // The last lines, but not at the price of a wait: a signal ends us.
    if (follower_ != nullptr) follower_->Look();
    console_->Offer();
    console_->Discard();
    return 128 + signal_;
  }
  if (follower_ != nullptr) follower_->Drain();
  if (!flags_.join || culprit_ < 0) return 0;
  Report();
  return flags_.propagate_exit_code ? failure_.code : 1;
}

const MsrunProcess& MsrunJob::ProcessOf(int index) const {
  if (index == scheduler_) return *plan_.scheduler;
  return plan_.workers[static_cast<size_t>(index - (scheduler_ < 0 ? 0 : 1))];
}

void MsrunJob::ReportIncomplete(const Registered& registered) {
  console_->Log(MsLevel::kError,
                absl::StrCat("The cluster was never complete: ", registered.present, " of ",
                             registered.expected, " processes had registered, ",
                             registered.expected - registered.present,
                             " missing (--cluster_time_out=", flags_.cluster_time_out, ")."));
}

std::string MsrunJob::ReportExcerpts() {
  std::string excerpt_of_culprit;
  for (int index = 0; index < set_->size(); ++index) {
    const MsrunProcess& process = ProcessOf(index);
    if (process.shown) continue;
    const std::string& path = process.spec.out_path;
    const std::string excerpt = ErrorExcerpt(path, ReadLogTail(path), kExcerptLines);
    console_->Print(excerpt);
    if (index == culprit_) excerpt_of_culprit = excerpt;
  }
  return excerpt_of_culprit;
}

void MsrunJob::Report() {
  std::string scheduler_log;
  if (scheduler_ >= 0) {
    scheduler_log = ReadLogTail(plan_.scheduler->spec.out_path).text;
    const std::vector<std::string> nodes = TimedOutNodes(scheduler_log);
    if (!nodes.empty()) {
      console_->Log(MsLevel::kError,
                    absl::StrCat("Time out nodes are [",
                                 absl::StrJoin(nodes, ", ",
                                               [](std::string* out, const std::string& node) {
                                                 out->append(PyRepr(node));
                                               }),
                                 "]"));
    }
  }
  const std::optional<Registered> registered = LastRegistered(scheduler_log);
  const bool incomplete = registered && registered->present < registered->expected;
  // When the time is over, the processes that came end each other; one that fails by itself before
  // is a cause of its own.
  const bool timed_out = incomplete && (failure_.signal == SIGTERM || culprit_ == scheduler_);
  if (timed_out) ReportIncomplete(*registered);
  const std::string excerpt = ReportExcerpts();
  const ProcessSpec& culprit = ProcessOf(culprit_).spec;
  std::string name = culprit.name;
  name[0] = culprit_ == scheduler_ ? 'S' : 'W';
  std::string last = LastLines(ReadLogTail(culprit.out_path).text, kLastLines);
  if (!last.empty()) last.pop_back();  // The logger ends the line.
  const bool known =
      ProcessOf(culprit_).shown || absl::StrContains(excerpt, last.substr(last.rfind('\n') + 1));
  console_->Log(
      MsLevel::kError,
      absl::StrCat(name, timed_out ? " ended then: " : " failed first: ", HowItEnded(failure_),
                   " (process ", set_->pid(culprit_), ", log file ", culprit.out_path, ").",
                   last.empty() ? " It wrote nothing." : "",
                   last.empty() || known ? "" : absl::StrCat(" Its last lines:\n", last)));
  if (incomplete && !timed_out) ReportIncomplete(*registered);
  console_->PrintError(
      absl::StrCat("RuntimeError: Distributed job exited with exception. Please check logs in "
                   "directory: ",
                   flags_.log_dir, "."));
}

}  // namespace muster

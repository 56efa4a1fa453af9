#include "ctl/cmd/attachment.h"

#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ctl/cli/exit_code.h"
#include "ctl/client/comeback.h"
#include "ctl/view/verdict.h"

namespace muster {
namespace {

// A second Ctrl-C within this time means the job, not msctl.
constexpr absl::Duration kSecondInterrupt = absl::Seconds(2);

}  // namespace

Attachment::Attachment(const Options& options, JobSource* source, EventLoop* loop, Session* session,
                       Signals* signals)
    : options_(options),
      source_(source),
      loop_(loop),
      session_(session),
      contact_(loop->clock(), options.give_up_after),
      progress_(session->err(), session->err_terminal(), loop->clock(), session->quiet()),
      view_(options.logs, options.shown, session, &progress_, loop, [this] { OnSignal(SIGPIPE); }) {
  signals->Watch(loop, [this](int signal) { OnSignal(signal); });
}

Attachment::~Attachment() = default;

absl::StatusOr<int> Attachment::Run(const v1::SubmitJobRequest& request) {
  request_ = request;
  Submit();
  loop_->Run();
  follower_ = nullptr;
  progress_.Clear();
  view_.Finish();
  return result_;
}

void Attachment::Submit() {
  source_->Submit(request_, [this](const absl::StatusOr<v1::Job>& job) { OnSubmitted(job); });
}

void Attachment::OnSubmitted(const absl::StatusOr<v1::Job>& job) {
  if (!job.ok() && IsLostContact(job.status()) && pending_signal_ == 0) {
    // It may have been taken all the same; the same request id gets the same job.
    if (const auto wait = contact_.Next()) {
      loop_->After(*wait, [this] { Submit(); });
      return;
    }
  }
  if (!job.ok()) return Leave(LostUnderSubmit(job.status()));
  job_ = *job;
  if (!options_.local) session_->RememberJob(job_.id());
  Follow();
  if (pending_signal_ != 0) OnSignal(std::exchange(pending_signal_, 0));
}

void Attachment::Follow() {
  JobFollower::Options options;
  options.job_id = job_.id();
  options.give_up_after = options_.give_up_after;
  options.first_attempt = 0;
  options.logs = options_.shown;
  JobFollower::Callbacks callbacks;
  callbacks.on_job = [this](const v1::Job& job) {
    job_ = job;
    progress_.OnJob(job);
    view_.FlushSoon();
  };
  callbacks.on_log = [this](const v1::ReadLogsResponse& message) { view_.Print(job_, message); };
  callbacks.on_attempt_read = [](int) {};
  callbacks.on_notice = [this](const std::string& text) {
    progress_.Notice(text);
    view_.FlushSoon();
  };
  callbacks.on_done = [this](const absl::Status& status) { OnDone(status); };
  follower_ =
      std::make_unique<JobFollower>(source_, loop_, std::move(options), std::move(callbacks));
}

void Attachment::OnDone(const absl::Status& status) {
  if (!status.ok()) return Leave(options_.local ? status : LostUnder(job_.id(), status));
  if (stopped_by_ != SIGPIPE) Verdict();  // Nobody reads any more.
  Leave(stopped_by_ != 0 ? 128 + stopped_by_ : MirroredExitCode(job_));
}

void Attachment::Verdict() {
  view_.Finish();
  if (!session_->quiet()) {
    session_->err()->Write(VerdictText(job_, session_->err_terminal(), !options_.local));
  }
  if (session_->format() == Format::kJson || session_->format() == Format::kYaml) {
    session_->PrintJson(ResultJson(job_, MirroredExitCode(job_)));
  }
}

void Attachment::OnSignal(int signal) {
  if (left_) return;
  if (job_.id().empty()) {
    pending_signal_ = signal;
    return;
  }
  if (detached_) {
    if (signal == SIGINT) CancelAndLeave();
    return;
  }
  if (options_.local || options_.stop_on_interrupt) return StopJob(signal);
  if (signal == SIGINT) return Detach();
  Leave(128 + signal);  // Hung up, terminated, or nobody reads: the job goes on.
}

void Attachment::Detach() {
  detached_ = true;
  follower_ = nullptr;
  progress_.Clear();
  view_.Finish();
  session_->err()->Write(absl::StrCat("\njob ", job_.id(), " goes on\n  msctl logs -f ", job_.id(),
                                      "   to come back\n  msctl cancel ", job_.id(),
                                      "    to stop it; Ctrl-C again within 2 s does the same\n"));
  session_->err()->Flush();
  session_->out()->Write(absl::StrCat(job_.id(), "\n"));
  session_->out()->Flush();
  loop_->After(kSecondInterrupt, [this] { Leave(kExitOk); });
}

void Attachment::StopJob(int signal) {
  if (stopped_by_ != 0) {
    if (options_.kill != nullptr) return options_.kill(job_.id());
    return Leave(128 + signal);  // The cancel is on its way; nobody has to wait for it.
  }
  stopped_by_ = signal;
  if (signal != SIGPIPE) {
    progress_.Notice(options_.local ? "stopping; Ctrl-C again kills at once"
                                    : absl::StrCat("cancelling ", job_.id()));
    view_.FlushSoon();
  }
  v1::CancelJobRequest request;
  request.set_job_id(job_.id());
  request.set_reason("interrupted");
  source_->Cancel(request, [this](const absl::StatusOr<v1::Job>& job) {
    if (!job.ok()) Leave(job.status());
  });
}

void Attachment::CancelAndLeave() {
  if (stopped_by_ != 0) return;
  stopped_by_ = SIGINT;
  v1::CancelJobRequest request;
  request.set_job_id(job_.id());
  request.set_reason("interrupted");
  source_->Cancel(request, [this](const absl::StatusOr<v1::Job>& job) {
    if (!job.ok()) return Leave(job.status());
    session_->err()->Write(absl::StrCat("job ", job_.id(), " is being cancelled\n"));
    Leave(kExitInterrupted);
  });
}

void Attachment::Leave(absl::StatusOr<int> result) {
  // A cancel that is on its way is waited for.
  if (detached_ && stopped_by_ != 0 && result.ok() && *result == kExitOk) return;
  if (std::exchange(left_, true)) return;
  result_ = std::move(result);
  loop_->Stop();
}

}  // namespace muster

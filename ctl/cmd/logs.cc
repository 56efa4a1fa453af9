#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "common/base/status.h"
#include "ctl/cli/exit_code.h"
#include "ctl/client/comeback.h"
#include "ctl/client/grpc_job_source.h"
#include "ctl/client/job_follower.h"
#include "ctl/client/job_watcher.h"
#include "ctl/client/log_selection.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/log_view.h"
#include "ctl/cmd/session.h"
#include "ctl/cmd/signals.h"
#include "ctl/view/silence.h"
#include "ctl/view/verdict.h"

namespace muster {
namespace {

constexpr int kBrokenPipe = 128 + SIGPIPE;
// How long a follower sees nothing before it is told why.
constexpr absl::Duration kSilence = absl::Seconds(1);

absl::StatusOr<LogSelection> SelectionOf(const Flags& flags) {
  LogSelection selection;
  if (flags.Has("rank")) {
    MUSTER_ASSIGN_OR_RETURN(selection.ranks, ParseRanks(flags.String("rank")));
  }
  selection.role = flags.String("role");
  // --stdout alone, --stderr alone, or both.
  if (flags.Bool("stdout") != flags.Bool("stderr")) {
    selection.want_stdout = flags.Bool("stdout");
    selection.want_stderr = flags.Bool("stderr");
  }
  selection.follow = flags.Bool("follow");
  selection.tail_lines = static_cast<int>(flags.Int("tail", 0));
  return selection;
}

// Which attempt to begin with: -1 for the current one.
absl::StatusOr<int> AttemptOf(const Flags& flags, const v1::Job& job) {
  const auto& attempts = job.status().attempts();
  const int last = attempts.empty() ? -1 : attempts.rbegin()->number();
  if (flags.Has("attempt")) {
    const int number = static_cast<int>(flags.Int("attempt", 0));
    MUSTER_RETURN_IF_ERROR(CheckAttemptExists(job, number));
    return number;
  }
  if (!flags.Bool("previous")) return -1;
  if (last < 1) {
    return absl::NotFoundError(absl::StrCat("job ", job.id(), " has no attempt before this one"));
  }
  MUSTER_RETURN_IF_ERROR(CheckAttemptExists(job, last - 1));
  return last - 1;
}

// Whether the hosts have output of the attempt that is to be read.
bool HasBegun(const v1::Job& job, int attempt) {
  const auto& attempts = job.status().attempts();
  return !attempts.empty() && (attempt >= 0 || HasStarted(job, *attempts.rbegin()));
}

// Shows a job's output until there is no more.
class LogRun {
 public:
  LogRun(const JobFollower::Options& options, JobSource* source, EventLoop* loop, Session* session,
         Signals* signals)
      : options_(options),
        session_(session),
        loop_(loop),
        progress_(session->err(), session->err_terminal(), loop->clock(), session->quiet()),
        view_(LogViewOptions(session->flags()), options.logs, session, &progress_, loop,
              [this] { Leave(kBrokenPipe); }) {
    signals->Watch(loop, [this](int signal) { OnSignal(signal); });
    JobFollower::Callbacks callbacks;
    callbacks.on_job = [this](const v1::Job& job) { job_ = job; };
    callbacks.on_log = [this](const v1::ReadLogsResponse& message) { OnLog(message); };
    callbacks.on_attempt_read = [](int) {};
    callbacks.on_notice = [this](const std::string& text) {
      progress_.Notice(text);
      view_.FlushSoon();
    };
    callbacks.on_done = [this](const absl::Status& status) { Done(status); };
    follower_ = std::make_unique<JobFollower>(source, loop, options, std::move(callbacks));
    if (options.logs.follow) silence_timer_ = loop->After(kSilence, [this] { TellSilence(); });
  }

  absl::StatusOr<int> Run() {
    loop_->Run();
    loop_->Cancel(silence_timer_);
    follower_ = nullptr;
    view_.Finish();
    return result_;
  }

 private:
  void OnLog(const v1::ReadLogsResponse& message) {
    silent_ = silent_ && message.has_end();
    view_.Print(job_, message);
  }
  // Once, so that nobody takes an empty screen for a broken one.
  void TellSilence() {
    loop_->Cancel(silence_timer_);
    if (!silent_ || job_.id().empty() || session_->quiet()) return;
    if (!follower_->Unread().ok()) {  // Nobody knows what was written there.
      silence_timer_ = loop_->After(kSilence, [this] { TellSilence(); });
      return;
    }
    silent_ = false;
    session_->err()->Write(
        absl::StrCat(SilenceText(job_, options_.first_attempt, options_.logs), "\n"));
    view_.FlushSoon();
  }
  void OnSignal(int signal) {
    const bool hint = signal == SIGINT && options_.logs.follow && !session_->quiet() &&
                      session_->err_terminal().is_tty && !job_.id().empty() &&
                      !IsFinal(job_.status().state());
    // Below the "^C" that the terminal shows.
    if (hint) session_->err()->Write(absl::StrCat("\n", ComebackHint(job_.id()), "\n"));
    Leave(128 + signal);
  }
  void Done(const absl::Status& status) {
    if (!status.ok())
      return Leave(options_.logs.follow ? LostUnder(options_.job_id, status) : status);
    TellSilence();
    // Output that cannot be had was told of, host by host.
    Leave(session_->flags().Bool("exit_status") ? MirroredExitCode(job_)
                                                : ExitCodeFor(follower_->Unread()));
  }
  void Leave(const absl::StatusOr<int>& result) {
    result_ = result;
    loop_->Stop();
  }

  const JobFollower::Options options_;
  Session* const session_;
  EventLoop* const loop_;
  Progress progress_;
  LogView view_;
  v1::Job job_;
  std::unique_ptr<JobFollower> follower_;
  EventLoop::TimerId silence_timer_ = 0;
  bool silent_ = true;  // Nothing was shown yet, and nothing was said of it.
  absl::StatusOr<int> result_ = 0;
};

// An exit status is the whole job's, once it has one.
absl::Status CheckFlags(const Flags& flags) {
  if (!flags.Bool("exit_status")) return absl::OkStatus();
  if (!flags.Bool("follow")) {
    return absl::InvalidArgumentError("--exit-status: the job's end is awaited only with --follow");
  }
  if (!flags.Has("attempt") && !flags.Bool("previous")) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--exit-status: one attempt has none, leave out --attempt and --previous");
}

absl::StatusOr<int> Logs(const Invocation& invocation) {
  Signals signals;
  EventLoop loop;
  Session session(invocation, signals.fd());
  MUSTER_RETURN_IF_ERROR(CheckFlags(session.flags()));
  JobFollower::Options options;
  MUSTER_ASSIGN_OR_RETURN(options.logs, SelectionOf(session.flags()));
  MUSTER_ASSIGN_OR_RETURN(const std::string id, session.JobArgument(0));
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  MUSTER_ASSIGN_OR_RETURN(const v1::Job job, api->GetJob(id));
  MUSTER_ASSIGN_OR_RETURN(options.first_attempt, AttemptOf(session.flags(), job));
  options.job_id = job.id();
  options.give_up_after = session.timeout();
  options.only_first = !options.logs.follow || options.first_attempt >= 0;
  if (!options.logs.follow && !HasBegun(job, options.first_attempt)) {
    if (!session.quiet()) {
      session.err()->Write(absl::StrCat(SilenceText(job, -1, options.logs), "\n"));
    }
    return 0;
  }
  MUSTER_ASSIGN_OR_RETURN(
      const std::unique_ptr<GrpcJobSource> source,
      GrpcJobSource::Connect(session.address(), session.security(), session.timeout(), &loop));
  return LogRun(options, source.get(), &loop, &session, &signals).Run();
}

}  // namespace

const Command& LogsCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "logs";
    command->aliases = {"log"};
    command->usage = "[FLAGS] [JOB]";
    command->summary = "shows what the ranks of a job wrote";
    command->examples = {
        {"logs --rank 7", "one rank of the last job you submitted"},
        {"logs -f digits-3fa", "every rank, until the job ends"},
        {"logs --rank 0-3,7 --stderr --tail 20", "the last lines of some"},
        {"logs --previous --rank 2", "of the attempt before"},
    };
    command->flags = {
        {"follow", 'f', FlagType::kBool, "", "goes on with new output until the job ends"},
        {"rank", 'r', FlagType::kString, "LIST", "which ranks: 7, 0-3,7 or all (default)"},
        {"role", 0, FlagType::kString, "NAME", "which role (default: worker, with --rank)"},
        {"stdout", 0, FlagType::kBool, "", "standard output alone"},
        {"stderr", 0, FlagType::kBool, "", "standard error alone"},
        {"attempt", 0, FlagType::kInt, "N", "which attempt, from 0 (default: the last)"},
        {"previous", 'p', FlagType::kBool, "", "the attempt before the last"},
        {"tail", 0, FlagType::kInt, "N", "begins at the last N lines of each stream"},
        {"exit_status", 0, FlagType::kBool, "", "with -f: ends with the job's exit code"},
        QuietFlag("shows nothing but the output"),
    };
    for (const FlagSpec& flag : LogViewFlags()) command->flags.push_back(flag);
    command->notes =
        "What ranks wrote to stdout goes to stdout, stderr to stderr. With one rank the bytes "
        "come\n"
        "as they were written; with several each line stands behind its rank's number.";
    command->max_arguments = 1;
    command->run = Logs;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster

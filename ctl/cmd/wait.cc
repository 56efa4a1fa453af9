#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status.h"
#include "ctl/cli/exit_code.h"
#include "ctl/client/comeback.h"
#include "ctl/client/reconnect.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"
#include "ctl/view/error_text.h"
#include "ctl/view/verdict.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

// One call's length: a server that was replaced meanwhile is noticed after it at the latest.
constexpr absl::Duration kOneCall = absl::Minutes(5);
constexpr absl::Duration kSilence = absl::Seconds(30);

// DEADLINE_EXCEEDED: the job is not final at `deadline`.
absl::StatusOr<v1::Job> WaitFor(ApiClient* api, const std::string& id, absl::Time deadline) {
  Reconnect reconnect(Clock::Real(), kSilence);
  for (;;) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat("job ", id, " has not ended in time"));
    }
    absl::StatusOr<v1::Job> job = api->WaitJob(id, std::min(left, kOneCall));
    if (job.ok()) return job;
    if (absl::IsDeadlineExceeded(job.status())) {
      reconnect.Heard();
      continue;
    }
    if (!IsLostContact(job.status())) return job;
    const std::optional<absl::Duration> wait = reconnect.Next();
    if (!wait.has_value()) return LostUnder(id, job.status());
    absl::SleepFor(std::min(*wait, left));
  }
}

absl::StatusOr<int> Wait(const Invocation& invocation) {
  Session session(invocation);
  const absl::Time deadline =
      absl::Now() + session.flags().Duration("timeout", absl::InfiniteDuration());
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  int result = 0;
  const size_t count = std::max<size_t>(session.arguments().size(), 1);
  for (size_t i = 0; i < count; ++i) {
    MUSTER_ASSIGN_OR_RETURN(const std::string id, session.JobArgument(i));
    const absl::StatusOr<v1::Job> job = WaitFor(api, id, deadline);
    if (absl::IsDeadlineExceeded(job.status())) {
      session.err()->Write(absl::StrCat("error: ", std::string(job.status().message()), "\n"));
      if (session.format() == Format::kJson) {
        session.out()->Write(ErrorJson(job.status(), kExitTimeout));
      }
      return kExitTimeout;
    }
    MUSTER_RETURN_IF_ERROR(job.status());
    const int code = MirroredExitCode(*job);
    if (result == 0) result = code;
    if (session.format() == Format::kJson || session.format() == Format::kYaml) {
      session.PrintJson(ResultJson(*job, code));
    } else if (!session.quiet()) {
      session.out()->Write(VerdictText(*job, session.out_terminal(), /*has_logs=*/true));
    }
    session.out()->Flush();
  }
  return result;
}

}  // namespace

const Command& WaitCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "wait";
    command->usage = "[--timeout TIME] [JOB]…";
    command->summary = "waits until jobs have ended";
    command->examples = {
        {"wait digits-3fa", "ends with the job's exit code"},
        {"wait --timeout 10m a-1 b-2", "with the first code that is not 0; 7 after ten minutes"},
    };
    command->flags = {
        {"timeout", 0, FlagType::kDuration, "TIME", "how long to wait (default: for ever)"},
        OutputFlag("table|json|yaml"),
        QuietFlag("prints nothing"),
    };
    command->run = Wait;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster

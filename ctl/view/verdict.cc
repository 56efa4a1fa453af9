#include "ctl/view/verdict.h"

#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "common/job/job_names.h"
#include "ctl/view/message_text.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

std::string CauseText(const v1::FirstCause& cause) {
  std::string text = cause.summary();
  if (text.empty() && !cause.reason().empty()) text = cause.reason();
  if (text.empty()) {
    text = absl::StrCat(RankLabel(cause.role(), cause.rank()), " on ", cause.node(), ": ",
                        DescribeExit(cause.exit()));
  }
  return text;
}

// How to see what the first rank to fail wrote.
std::string LastLines(const v1::Job& job, const v1::Attempt& attempt) {
  std::string text = absl::StrCat("msctl logs ", job.id());
  const v1::FirstCause& cause = attempt.first_cause();
  if (cause.reason().empty()) {
    if (!cause.role().empty() && cause.role() != kWorkerRole) {
      absl::StrAppend(&text, " --role ", cause.role());
    }
    absl::StrAppend(&text, " --rank ", cause.rank());
  }
  return absl::StrCat(text, " --tail 20");
}

// The verdict's lines about the last attempt, which has a first cause.
void AppendCause(const v1::Job& job, bool has_logs, std::string* text) {
  const v1::Attempt& attempt = *job.status().attempts().rbegin();
  const v1::FirstCause& cause = attempt.first_cause();
  absl::StrAppend(text, "  first cause  ", CauseText(cause), "\n");
  // A rank that could not start has no moment worth knowing, and wrote nothing.
  const bool ran = !cause.exit().has_not_started();
  if (ran && cause.has_time()) {
    absl::StrAppend(text, absl::FormatTime("  when         %H:%M:%E3S\n", ToTime(cause.time()),
                                           absl::LocalTimeZone()));
  }
  if (cause.fallout() > 0) {
    absl::StrAppend(text, "  fallout      ", Count(cause.fallout(), "other rank"),
                    " ended because of it\n");
  }
  if (ran && has_logs) absl::StrAppend(text, "  last lines   ", LastLines(job, attempt), "\n");
}

}  // namespace

std::string VerdictText(const v1::Job& job, const Terminal& terminal, bool has_logs) {
  const v1::JobStatus& status = job.status();
  const bool good = status.state() == v1::JOB_STATE_SUCCEEDED;
  std::string text = absl::StrCat(terminal.Mark(good), " ", terminal.Bold(job.id()), " ",
                                  StateWord(status.state()));
  if (status.has_end_time() && status.has_submit_time()) {
    absl::StrAppend(&text, " after ",
                    AgeText(ToTime(status.end_time()) - ToTime(status.submit_time())));
  }
  const int attempts = status.attempts_size() + status.attempts_left_out();
  if (attempts > 1 || (!good && job.spec().restart().max_restarts() > 0)) {
    absl::StrAppend(&text, " (", Count(attempts, "attempt"), ")");
  }
  absl::StrAppend(&text, "\n");
  const bool has_cause =
      !status.attempts().empty() && status.attempts().rbegin()->has_first_cause();
  if (good || status.state() == v1::JOB_STATE_CANCELLED || !has_cause) {
    if (!good && !status.reason().empty()) {
      absl::StrAppend(&text, "  reason       ", status.reason(), "\n");
    }
    return text;
  }
  AppendCause(job, has_logs, &text);
  if (!status.gave_up().empty()) {
    absl::StrAppend(&text, "  gave up      ", status.gave_up(), "\n");
  }
  return text;
}

int MirroredExitCode(const v1::Job& job) {
  const v1::JobStatus& status = job.status();
  if (status.state() == v1::JOB_STATE_SUCCEEDED) return 0;
  return status.exit_code() == 0 ? 1 : status.exit_code();
}

std::string ResultJson(const v1::Job& job, int exit_code) {
  return absl::StrCat("{\"source\": \"job\", \"exit_code\": ", exit_code,
                      ", \"job\": ", MessageJsonLine(job), "}\n");
}

}  // namespace muster

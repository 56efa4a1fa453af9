#include "ctl/cli/exit_code.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace muster {
namespace {

struct Row {
  int code;
  absl::string_view meaning;
};

constexpr Row kRows[] = {
    {kExitOk, "success; also after a detach"},
    {kExitError, "any other error"},
    {kExitUsage, "the command line or the job file is wrong"},
    {kExitPlacement, "placement impossible: no host could ever run the job, or the queue is full"},
    {kExitForbidden, "not authenticated, or not allowed"},
    {kExitNotFound, "no such job, node, rank or file"},
    {kExitUnreachable, "no agent answers, or contact with it was lost"},
    {kExitTimeout, "the timeout of 'msctl wait' has passed"},
    {kExitInterrupted, "interrupted by Ctrl-C; a local run was stopped, a job was cancelled"},
};

}  // namespace

int ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kResourceExhausted:
      return kExitPlacement;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitForbidden;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:  // Of one call: the server does not answer.
      return kExitUnreachable;
    default:
      return kExitError;
  }
}

std::string ExitCodesText() {
  std::string text =
      "An attached command ('run', 'submit --follow', 'wait') ends like its job: with the exit "
      "code\nof the rank that failed first, 128 + the signal's number where a signal ended it, 127 "
      "where it\ncould not be started, and 0 when the job succeeded.\n\nmsctl's own codes:\n\n";
  for (const Row& row : kRows) absl::StrAppendFormat(&text, "  %3d  %s\n", row.code, row.meaning);
  absl::StrAppend(&text,
                  "\nWith -o json the result says where a code comes from: \"source\": \"job\" or "
                  "\"client\".\n");
  return text;
}

}  // namespace muster

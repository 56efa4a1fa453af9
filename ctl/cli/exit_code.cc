#include "ctl/cli/exit_code.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace muster {
namespace {

struct Row {
  absl::string_view code;
  absl::string_view meaning;
};

// Of commands that end like their job.
constexpr Row kMirrored[] = {
    {"0", "the job succeeded"},
    {"1-255", "the code of the rank that failed first; its peers usually fail because of it"},
    {"128+N", "signal N ended that rank: 137 is SIGKILL, also when it ran out of memory"},
    {"1", "nobody saw how that rank ended, or no rank is to blame"},
    {"124", "a timeout of the job ended it: queue, start or run"},
    {"126", "the program is there, and could not be executed"},
    {"127", "it could not be started: no such program, script or directory"},
    {"130", "the job was cancelled"},
};

constexpr Row kOwn[] = {
    {"0", "success; also after a detach, with the job's name on stdout"},
    {"1", "any other error"},
    {"2", "the command line or the job file is wrong, also when the server says so"},
    {"3", "no host could ever run the job, or the queue or the scheduler's disk is full"},
    {"4", "not authenticated, or not allowed"},
    {"5", "no such job, node, rank or file"},
    {"6", "no agent answers, or it was silent for longer than --timeout"},
    {"7", "the timeout of 'msctl wait' has passed"},
    {"128+N", "signal N ended it: 130 is Ctrl-C, which ended 'logs', cancelled or stopped a job"},
    {"141", "the reader of stdout went away: of 'logs', 'run' and 'submit --follow'"},
};

void AppendRows(const Row* begin, const Row* end, std::string* text) {
  for (const Row* row = begin; row != end; ++row) {
    absl::StrAppendFormat(text, "  %5s  %s\n", row->code, row->meaning);
  }
}

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
      "'run', 'submit --follow', 'wait' and 'logs -f --exit-status' end like their job:\n\n";
  AppendRows(std::begin(kMirrored), std::end(kMirrored), &text);
  absl::StrAppend(&text,
                  "\n'wait' for several jobs ends with the first code that is not 0, in the order "
                  "of the command\nline; 'validate' of several files with the first fault's."
                  "\n\nmsctl's own codes:\n\n");
  AppendRows(std::begin(kOwn), std::end(kOwn), &text);
  absl::StrAppend(&text,
                  "\nWith -o json the result says where a code comes from: \"source\": \"job\" or "
                  "\"client\".\n");
  return text;
}

}  // namespace muster

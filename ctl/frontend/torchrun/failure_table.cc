#include "ctl/frontend/torchrun/failure_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/job/exit_result.h"

namespace muster {
namespace {

constexpr size_t kMaxWidth = 60;

std::string Entry(int index, const WorkerFailure& failure, absl::TimeZone zone) {
  return absl::StrCat(
      "[", index, "]:\n", "  time      : ",
      absl::FormatTime("%Y-%m-%d_%H:%M:%S", absl::FromUnixSeconds(failure.unix_time), zone), "\n",
      "  host      : ", failure.host, "\n", "  rank      : ", failure.rank,
      " (local_rank: ", failure.local_rank, ")\n", "  exitcode  : ", failure.exit_code,
      " (pid: ", failure.pid, ")\n",
      "  error_file: ", failure.error_file.empty() ? "<N/A>" : failure.error_file, "\n",
      "  traceback : ", absl::StrReplaceAll(failure.message, {{"\n", "\n  "}}));
}

size_t Width(absl::string_view text) {
  size_t width = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    width = std::max(width, line.size());
  }
  return width;
}

}  // namespace

std::string FailureTable(const std::string& title, const WorkerFailure& root,
                         const std::vector<WorkerFailure>& others, absl::TimeZone zone) {
  const std::string head = absl::StrCat(title, " FAILED");
  const std::string root_entry = Entry(0, root, zone);
  size_t width = std::max(head.size(), Width(root_entry));
  std::vector<std::string> entries;
  for (const WorkerFailure& failure : others) {
    entries.push_back(Entry(static_cast<int>(entries.size()) + 1, failure, zone));
    width = std::max(width, Width(entries.back()));
  }
  width = std::min(width, kMaxWidth);
  const std::string border(width, '=');
  const std::string section(width, '-');
  return absl::StrCat("\n", border, "\n", head, "\n", section, "\nFailures:\n",
                      entries.empty() ? "  <NO_OTHER_FAILURES>" : absl::StrJoin(entries, "\n"),
                      "\n", section, "\nRoot Cause (first observed failure):\n", root_entry, "\n",
                      border, "\n");
}

std::string MessageWithoutErrorFile(int exit_code, int pid) {
  if (exit_code < 0) {
    return absl::StrCat("Signal ", -exit_code, " (", SignalName(-exit_code), ") received by PID ",
                        pid);
  }
  return "To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html";
}

}  // namespace muster

// What a failed job's log files say.
#ifndef MUSTER_CTL_FRONTEND_MSRUN_LOG_EXCERPT_H_
#define MUSTER_CTL_FRONTEND_MSRUN_LOG_EXCERPT_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// The end of a log file, from the start of a line on.
struct LogTail {
  std::string text;
  size_t lines_before = 0;
};
LogTail ReadLogTail(const std::string& path, size_t max_bytes = size_t{8} << 20);

// As `grep -rn -E 'ERROR|CRITICAL|Traceback|Error' -C 5` over one file: "PATH:12:line" and, around
// it, "PATH-11-line", groups parted by "--"; at most `max_lines`.
std::string ErrorExcerpt(absl::string_view path, const LogTail& tail, size_t max_lines);

// The last `count` lines, each with its newline.
std::string LastLines(absl::string_view text, int count);

// Ids of "The node: ID is timed out", in their order.
std::vector<std::string> TimedOutNodes(absl::string_view scheduler_log);

// The last "Currently registered node number: K, expected node number: N".
struct Registered {
  int present = 0;
  int expected = 0;
};
std::optional<Registered> LastRegistered(absl::string_view scheduler_log);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_LOG_EXCERPT_H_

#include "ctl/frontend/msrun/log_excerpt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

constexpr size_t kContext = 5;

// "Error" is in no word of these that is not one of them.
bool TellsOfAnError(absl::string_view line) {
  for (const char* word : {"ERROR", "CRITICAL", "Traceback", "Error"}) {
    if (absl::StrContains(line, word)) return true;
  }
  return false;
}

std::vector<absl::string_view> Lines(absl::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  if (text.empty()) return {};
  return absl::StrSplit(text, '\n');
}

// The number behind `key` in `text`.
std::optional<int> NumberAfter(absl::string_view text, absl::string_view key) {
  const size_t at = text.find(key);
  if (at == text.npos) return std::nullopt;
  text.remove_prefix(at + key.size());
  const auto* const end = std::find_if_not(text.begin(), text.end(), absl::ascii_isdigit);
  int number = 0;
  const auto digits = static_cast<size_t>(end - text.begin());
  if (!absl::SimpleAtoi(text.substr(0, digits), &number)) return std::nullopt;
  return number;
}

}  // namespace

LogTail ReadLogTail(const std::string& path, size_t max_bytes) {
  LogTail tail;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat file;
  // A pipe or a terminal has no end to read to.
  if (!fd.valid() || fstat(fd.get(), &file) != 0 || !S_ISREG(file.st_mode)) return tail;
  std::string chunk(std::max<size_t>(max_bytes, 1), '\0');
  ssize_t n;
  while ((n = read(fd.get(), &chunk[0], chunk.size())) > 0) {
    tail.text.append(chunk, 0, static_cast<size_t>(n));
    if (tail.text.size() <= max_bytes) continue;
    const size_t newline = tail.text.find('\n', tail.text.size() - max_bytes - 1);
    const size_t cut = newline == std::string::npos ? 0 : newline + 1;
    const auto end = tail.text.begin() + static_cast<ptrdiff_t>(cut);
    tail.lines_before += static_cast<size_t>(std::count(tail.text.begin(), end, '\n'));
    tail.text.erase(0, cut);
  }
  return tail;
}

std::string ErrorExcerpt(absl::string_view path, const LogTail& tail, size_t max_lines) {
  const std::vector<absl::string_view> lines = Lines(tail.text);
  const size_t number = tail.lines_before + 1;
  std::string excerpt;
  size_t shown = 0;
  size_t next = 0;   // The first line that was not shown yet.
  size_t until = 0;  // Context of the last match ends before this line.
  for (size_t i = 0; i < lines.size(); ++i) {
    const bool match = TellsOfAnError(lines[i]);
    if (match) {
      const size_t first = std::max(next, i - std::min(i, kContext));
      if (shown > 0 && first > next) absl::StrAppend(&excerpt, "--\n");
      for (size_t before = first; before < i; ++before, ++shown) {
        absl::StrAppend(&excerpt, path, "-", before + number, "-", lines[before], "\n");
      }
      until = i + kContext + 1;
    }
    if (i >= until) continue;
    absl::StrAppend(&excerpt, path, match ? ":" : "-", i + number, match ? ":" : "-", lines[i],
                    "\n");
    next = i + 1;
    if (++shown < max_lines) continue;
    return absl::StrCat(excerpt, path, ": more of it is in the file\n");
  }
  return excerpt;
}

std::string LastLines(absl::string_view text, int count) {
  const std::vector<absl::string_view> lines = Lines(text);
  std::string last;
  const size_t first = lines.size() - std::min(lines.size(), static_cast<size_t>(count));
  for (size_t i = first; i < lines.size(); ++i) absl::StrAppend(&last, lines[i], "\n");
  return last;
}

std::vector<std::string> TimedOutNodes(absl::string_view scheduler_log) {
  constexpr absl::string_view kHead = "node: ";
  constexpr absl::string_view kTail = " is timed out";
  std::vector<std::string> nodes;
  for (const absl::string_view line : Lines(scheduler_log)) {
    const size_t tail = line.rfind(kTail);
    const size_t head = line.find(kHead);
    if (head == line.npos || tail == line.npos || tail < head + kHead.size()) continue;
    const size_t begin = head + kHead.size();
    nodes.emplace_back(line.substr(begin, line.find(kTail, begin) - begin));
  }
  return nodes;
}

std::optional<Registered> LastRegistered(absl::string_view scheduler_log) {
  std::optional<Registered> last;
  for (const absl::string_view line : Lines(scheduler_log)) {
    const std::optional<int> present = NumberAfter(line, "Currently registered node number: ");
    const std::optional<int> expected = NumberAfter(line, "expected node number: ");
    if (present && expected) last = Registered{*present, *expected};
  }
  return last;
}

}  // namespace muster

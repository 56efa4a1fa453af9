#include "ctl/frontend/paddle/port_cursor.h"

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/device/ports.h"

namespace muster {

PortCursor::PortCursor(int first, int last, int start, std::function<bool(int port)> is_free)
    : first_(first), last_(last), next_(start), is_free_(std::move(is_free)) {}

absl::StatusOr<PortCursor> PortCursor::FromEnvironment(
    const std::map<std::string, std::string>& env) {
  const auto given = env.find("PORT_RANGE");
  const std::string text = given == env.end() ? "35100:64000" : given->second;
  const std::vector<std::string> ends = absl::StrSplit(text, ':');
  int first = 0;
  int last = 0;
  const bool fine = ends.size() == 2 && absl::SimpleAtoi(ends[0], &first) &&
                    absl::SimpleAtoi(ends[1], &last) && first >= 1 && first <= last &&
                    last <= 65535;
  if (!fine) {
    return absl::InvalidArgumentError(
        absl::StrCat("PORT_RANGE=", text, ": expected FIRST:LAST, like 35100:64000"));
  }
  absl::BitGen random;
  return PortCursor(first, last, absl::Uniform(absl::IntervalClosed, random, first, last),
                    PortIsFree);
}

absl::StatusOr<std::vector<int>> PortCursor::Take(int count) {
  std::vector<int> ports;
  for (int tried = 0; tried <= last_ - first_ && static_cast<int>(ports.size()) < count; ++tried) {
    const int port = next_;
    next_ = next_ == last_ ? first_ : next_ + 1;
    if (is_free_(port)) ports.push_back(port);
  }
  if (static_cast<int>(ports.size()) == count) return ports;
  return absl::ResourceExhaustedError(absl::StrCat("ports ", first_, " to ", last_, ": ",
                                                   ports.size(), " are free, ", count,
                                                   " are needed; set PORT_RANGE=FIRST:LAST"));
}

}  // namespace muster

#include "common/job/node_list.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

// Digits alone: neither signs nor blanks.
bool ParseNode(absl::string_view text, int* node) {
  return text.find_first_not_of("0123456789") == absl::string_view::npos &&
         absl::SimpleAtoi(text, node);
}

absl::Status NoList(absl::string_view part) {
  return absl::InvalidArgumentError(absl::StrCat("'", part, "' names no hosts"));
}

}  // namespace

absl::StatusOr<NodeList> NodeList::Parse(absl::string_view text) {
  NodeList list;
  if (text.empty()) return list;
  list.ranges_.clear();
  int next = 0;  // The lowest host that may still come.
  bool open = false;
  for (const absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, absl::MaxSplits('-', 1));
    Range range;
    if (!ParseNode(ends.front(), &range.first)) return NoList(part);
    const bool ascends = !open && range.first >= next;
    open = ends.size() == 2 && ends.back().empty();
    if (open) {
      range.last = kOpen;
    } else if (!ParseNode(ends.back(), &range.last) || range.last >= kOpen - 1) {
      return NoList(part);
    }
    if (!ascends || range.last < range.first) {
      return absl::InvalidArgumentError(absl::StrCat("its hosts do not ascend at '", part, "'"));
    }
    next = open ? kOpen : range.last + 1;
    list.ranges_.push_back(range);
  }
  return list;
}

std::string NodeList::Write(const std::vector<int>& nodes) {
  std::vector<Range> ranges;
  for (const int node : nodes) {
    if (ranges.empty() || ranges.back().last + 1 != node) ranges.push_back({node, node});
    ranges.back().last = node;
  }
  return absl::StrJoin(ranges, ",", [](std::string* out, const Range& range) {
    absl::StrAppend(out, range.first);
    if (range.last > range.first) absl::StrAppend(out, "-", range.last);
  });
}

bool NodeList::Has(int node) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [node](const Range& range) {
    return range.first <= node && node <= range.last;
  });
}

int NodeList::CountAmong(int num_nodes) const {
  int count = 0;
  for (const Range& range : ranges_) {
    count += std::max(0, std::min(range.last, num_nodes - 1) - range.first + 1);
  }
  return count;
}

int NodeList::HighestNamed() const {
  if (ranges_.empty()) return 0;
  return ranges_.back().last == kOpen ? ranges_.back().first : ranges_.back().last;
}

}  // namespace muster

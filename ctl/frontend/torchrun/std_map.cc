#include "ctl/frontend/torchrun/std_map.h"

#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

std::optional<int> Bits(const std::string& text) {
  if (text.size() != 1 || text[0] < '0' || text[0] > '3') return std::nullopt;
  return text[0] - '0';
}

}  // namespace

std::optional<StdMap> StdMap::Parse(const std::string& text) {
  StdMap map;
  if (const std::optional<int> bits = Bits(text)) {
    map.all_ = *bits;
    return map;
  }
  // The original takes ranks of one digit only; nothing speaks against more.
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    const std::pair<std::string, std::string> halves =
        absl::StrSplit(item, absl::MaxSplits(':', 1));
    const std::optional<int> bits = Bits(halves.second);
    int rank = 0;
    if (!bits || !absl::SimpleAtoi(halves.first, &rank) || rank < 0) return std::nullopt;
    map.by_rank_[rank] = *bits;
  }
  return map;
}

int StdMap::Of(int local_rank) const {
  if (by_rank_.empty()) return all_;
  const auto found = by_rank_.find(local_rank);
  return found == by_rank_.end() ? 0 : found->second;
}

bool StdMap::any() const {
  if (all_ != 0) return true;
  for (const auto& [rank, bits] : by_rank_) {
    if (bits != 0) return true;
  }
  return false;
}

std::string StdMapFault(const std::string& text) {
  return absl::StrCat(text, R"( does not match: <^[0123]$> or <^(\d:[0123],)*(\d:[0123])$>)");
}

}  // namespace muster

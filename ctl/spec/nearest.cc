#include "ctl/spec/nearest.h"

#include <algorithm>

namespace muster {
namespace {

constexpr size_t kMaxWord = 64;  // Longer ones are no slip of the finger, and cost the square.

}  // namespace

int EditDistance(absl::string_view a, absl::string_view b) {
  // Rows of the classic table (optimal string alignment): two above, the one above, this one.
  std::vector<int> above2(b.size() + 1);
  std::vector<int> above(b.size() + 1);
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const int substitution = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], above2[j - 2] + 1);
      }
    }
    std::swap(above2, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string NearestOf(absl::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > kMaxWord) return "";
  std::string nearest;
  int best = (static_cast<int>(word.size()) + 1) / 3 + 1;  // The first distance that is too far.
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    if (distance < best) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace muster

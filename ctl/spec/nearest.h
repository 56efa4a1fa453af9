#ifndef MUSTER_CTL_SPEC_NEAREST_H_
#define MUSTER_CTL_SPEC_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// Single-character insertions, deletions, substitutions and swaps of neighbours between the two.
int EditDistance(absl::string_view a, absl::string_view b);

// The candidate that `word` was probably meant to be, or "" when none is near: at most a third of
// its characters away. The first of several equally near ones.
std::string NearestOf(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_NEAREST_H_

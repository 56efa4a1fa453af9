#ifndef MUSTER_CTL_CLI_NEAREST_H_
#define MUSTER_CTL_CLI_NEAREST_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
int EditDistance(absl::string_view a, absl::string_view b);

// The candidate that `word` was probably meant to be, or "" when none is near enough.
std::string Nearest(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace muster

#endif  // MUSTER_CTL_CLI_NEAREST_H_

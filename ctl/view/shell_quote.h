#ifndef MUSTER_CTL_VIEW_SHELL_QUOTE_H_
#define MUSTER_CTL_VIEW_SHELL_QUOTE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// `word` as a shell reads it back, on one line: in single quotes where it needs them, and as $'…'
// where it has bytes that would break the line or steer a terminal.
std::string ShellQuote(absl::string_view word);

// A command line of these words, to be copied.
std::string ShellCommand(const std::vector<std::string>& words);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_SHELL_QUOTE_H_

#ifndef MUSTER_AGENT_FLAG_PARSER_H_
#define MUSTER_AGENT_FLAG_PARSER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster {

// Sets gflags' flags from `args` (without the program's name): `--name=value`, `--name value`,
// `--switch`, `--noswitch`, with dashes or underscores, and `--flagfile=PATH`, which holds such
// words one a line, with empty lines and #-comments. In place of gflags' own parser, which prints
// several lines and exits with 1. INVALID_ARGUMENT names the flag, and the file and line it stood
// in.
absl::Status ParseFlags(const std::vector<std::string>& args);

// The flags of `file` (a suffix of the source's path), one a line, for --help.
std::string DescribeFlags(absl::string_view file);

}  // namespace muster

#endif  // MUSTER_AGENT_FLAG_PARSER_H_

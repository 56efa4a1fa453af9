#ifndef MUSTER_TESTS_LAUNCH_GOLDEN_FILE_H_
#define MUSTER_TESTS_LAUNCH_GOLDEN_FILE_H_

#include <map>
#include <string>

#include "launch/render.h"

namespace muster {

using GoldenLines =
    std::map<std::string, std::string>;  // Variable, `argv`, `out` or `err` → value.

// The sections of a file in tests/golden/, by title. A line is `NAME=value  # source`. What
// `[every rank]` says holds for all others, what `[every X]` says for those named `X N`; both must
// come before them.
std::map<std::string, GoldenLines> ReadGolden(const std::string& name);

// What a golden file says of a rank, as it was rendered.
GoldenLines LinesOf(const RenderedRank& rendered);

}  // namespace muster

#endif  // MUSTER_TESTS_LAUNCH_GOLDEN_FILE_H_

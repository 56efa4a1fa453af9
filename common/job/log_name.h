// File names of a rank's output, with placeholders, as in LogSpec.names.
#ifndef MUSTER_COMMON_JOB_LOG_NAME_H_
#define MUSTER_COMMON_JOB_LOG_NAME_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// The placeholders of `pattern`, e.g. {"rank", "stream"}. INVALID_ARGUMENT: an unknown one, a brace
// that is not closed, or a pattern that cannot be a file's name.
absl::StatusOr<std::set<std::string>> LogNamePlaceholders(absl::string_view pattern);

// `pattern` with each placeholder replaced by its value; those without one stay as they are.
std::string FillLogName(absl::string_view pattern,
                        const std::map<std::string, std::string>& values);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_LOG_NAME_H_

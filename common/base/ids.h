#ifndef MUSTER_COMMON_BASE_IDS_H_
#define MUSTER_COMMON_BASE_IDS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// `digits` random hexadecimal digits from the kernel.
std::string RandomHex(int digits);
// A job's id: its name, '-', and six random hexadecimal digits.
std::string NewJobId(absl::string_view name);

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_IDS_H_

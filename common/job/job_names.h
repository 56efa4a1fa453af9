#ifndef MUSTER_COMMON_JOB_JOB_NAMES_H_
#define MUSTER_COMMON_JOB_JOB_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// The role that a job without `roles` has. `msctl logs --rank N` means a rank of this role.
inline constexpr char kWorkerRole[] = "worker";
inline constexpr int kMaxJobNameLength = 40;

// Lower-case letters, digits and '-', 1 to 40 of them, '-' neither first nor last. Such a name is
// safe as a file name, a cgroup's name and a DNS label. Names of roles follow the same rule.
bool IsJobName(absl::string_view name);

// A name, '-' and six hexadecimal digits, as NewJobId() makes them.
bool IsJobId(absl::string_view id);

// Whether `name` may name an environment variable: letters, digits and '_', no digit first.
bool IsEnvName(absl::string_view name);

// The nearest valid name: "Train_v2.py" becomes "train-v2-py". "job" when nothing is left.
std::string JobNameFrom(absl::string_view text);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_JOB_NAMES_H_

#ifndef MUSTER_COMMON_JOB_FAULT_LIST_H_
#define MUSTER_COMMON_JOB_FAULT_LIST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/duration.pb.h"
#include "muster/v1/error.pb.h"

namespace muster {

// One fault of a job's spec, in words.
struct JobFault {
  v1::ErrorDetail detail;  // `field_path` begins with "job.", e.g. `job.roles[1].count`.
  std::string message;     // "'ranks_per_node' is 2000".
};

// Collects the faults of one spec. Each check adds one where the value is not as it must be. Fields
// are named without the leading "job.".
class FaultList {
 public:
  void Add(absl::string_view field, absl::string_view reason, absl::string_view message,
           absl::string_view hint);

  void CheckRange(absl::string_view field, int64_t value, int64_t low, int64_t high);
  // From 0 to ten years.
  void CheckDuration(absl::string_view field, bool present,
                     const google::protobuf::Duration& duration);
  // At least `low`, or -1 for unlimited.
  void CheckBound(absl::string_view field, bool present, int64_t value, int64_t low);
  // No NUL byte, at most `max_bytes`.
  void CheckText(absl::string_view field, absl::string_view value, size_t max_bytes);
  // A name as IsJobName() has it.
  void CheckName(absl::string_view field, absl::string_view value);
  // Lower-case letters, digits, '_' and '-'; may be empty.
  void CheckWord(absl::string_view field, absl::string_view value);
  // An enum that the wire may have brought a newer value of.
  template <typename Enum>
  void CheckEnum(absl::string_view field, Enum value, bool (*is_valid)(int)) {
    if (!is_valid(value)) AddUnknownValue(field, value);
  }

  size_t size() const { return faults_.size(); }
  std::vector<JobFault> Take() && { return std::move(faults_); }

 private:
  void AddUnknownValue(absl::string_view field, int value);

  std::vector<JobFault> faults_;
};

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_FAULT_LIST_H_

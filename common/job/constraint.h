#ifndef MUSTER_COMMON_JOB_CONSTRAINT_H_
#define MUSTER_COMMON_JOB_CONSTRAINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/map.h"

namespace muster {

// What a host's labels must be, as in JobSpec.constraints.
struct Constraint {
  enum class Kind { kEquals, kDiffers, kPresent, kAbsent };
  Kind kind = Kind::kPresent;
  std::string key;
  std::string value;  // Of kEquals and kDiffers.
};

// Reads `key==value`, `key!=value`, `key` or `!key`. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<Constraint> ParseConstraint(absl::string_view text);

// A host without the key differs from every value.
bool Fulfils(const google::protobuf::Map<std::string, std::string>& labels,
             const Constraint& constraint);

// 1 to 63 of letters, digits, '.', '_', '/' and '-', the first one a letter or digit.
bool IsLabelKey(absl::string_view key);
// At most 256 bytes, none of them a control character.
bool IsLabelValue(absl::string_view value);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_CONSTRAINT_H_

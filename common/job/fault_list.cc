#include "common/job/fault_list.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/job/job_names.h"

namespace muster {
namespace {

constexpr int64_t kMaxDurationSeconds = 10LL * 366 * 24 * 3600;
constexpr int32_t kNanosPerSecond = 1000000000;

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

void FaultList::Add(absl::string_view field, absl::string_view reason, absl::string_view message,
                    absl::string_view hint) {
  JobFault fault;
  fault.detail.set_reason(std::string(reason));
  fault.detail.set_field_path(absl::StrCat("job.", field));
  fault.detail.set_hint(std::string(hint));
  fault.message = std::string(message);
  faults_.push_back(std::move(fault));
}

void FaultList::CheckRange(absl::string_view field, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return;
  Add(field, "OUT_OF_RANGE", absl::StrCat("'", field, "' is ", value),
      absl::StrCat("use a number from ", low, " to ", high));
}

void FaultList::CheckDuration(absl::string_view field, bool present,
                              const google::protobuf::Duration& duration) {
  if (!present) return;
  if (duration.seconds() >= 0 && duration.seconds() <= kMaxDurationSeconds &&
      duration.nanos() >= 0 && duration.nanos() < kNanosPerSecond) {
    return;
  }
  Add(field, "OUT_OF_RANGE", absl::StrCat("'", field, "' is not a time from 0 to ten years"),
      "write it like 30s, 5m or 1h30m");
}

void FaultList::CheckBound(absl::string_view field, bool present, int64_t value, int64_t low) {
  if (!present || value == -1 || value >= low) return;
  Add(field, "OUT_OF_RANGE", absl::StrCat("'", field, "' is ", value),
      absl::StrCat("use at least ", low, ", or `unlimited`"));
}

void FaultList::CheckText(absl::string_view field, absl::string_view value, size_t max_bytes) {
  if (absl::StrContains(value, absl::string_view("\0", 1))) {
    Add(field, "INVALID_TEXT", absl::StrCat("'", field, "' has a NUL byte"), "remove it");
  } else if (value.size() > max_bytes) {
    Add(field, "TOO_LONG", absl::StrCat("'", field, "' has ", value.size(), " bytes"),
        absl::StrCat("at most ", max_bytes, " are allowed"));
  }
}

void FaultList::CheckName(absl::string_view field, absl::string_view value) {
  if (IsJobName(value)) return;
  Add(field, "INVALID_NAME", absl::StrCat("'", value, "' cannot be a name"),
      absl::StrCat("use lower-case letters, digits and '-', at most ", kMaxJobNameLength,
                   ", e.g. '", JobNameFrom(value), "'"));
}

void FaultList::CheckWord(absl::string_view field, absl::string_view value) {
  for (const char c : value) {
    if (IsWordCharacter(c)) continue;
    return Add(field, "INVALID_NAME",
               absl::StrCat("'", field, "' has other characters than a word"),
               "use lower-case letters, digits, '_' and '-'");
  }
  CheckText(field, value, kMaxJobNameLength);
}

void FaultList::AddUnknownValue(absl::string_view field, int value) {
  Add(field, "UNKNOWN_VALUE", absl::StrCat("'", field, "' has the unknown value ", value),
      "the client may be newer than the server; see `msctl version`");
}

}  // namespace muster

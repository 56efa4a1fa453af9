// Sizes, counts, times and enums as people write them in a job file, and back.
#ifndef MUSTER_CTL_SPEC_VALUE_TEXT_H_
#define MUSTER_CTL_SPEC_VALUE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"

namespace muster {

// `4096`, `64KiB`, `64Ki`, `32GB`, `unlimited` (-1). Ki, Mi, Gi, Ti count by 1024; K, M, G, T by
// 1000.
std::optional<int64_t> ParseByteSize(absl::string_view text);
// The shortest of those that is exact: "64KiB", "1000".
std::string FormatByteSize(int64_t bytes);

// A number, or `unlimited` (-1).
std::optional<int64_t> ParseCount(absl::string_view text);
std::string FormatCount(int64_t count);

// `10s`, `5m`, `1h30m`, `250ms`, `1.5s`, `0`. Never negative.
std::optional<google::protobuf::Duration> ParseDurationText(absl::string_view text);
std::string FormatDurationText(const google::protobuf::Duration& duration);

// An enum's value without the enum's own prefix: FAILURE_ACTION_STOP_GANG is `stop_gang`.
std::string EnumText(const google::protobuf::EnumValueDescriptor* value);
// Never the one that stands for "unspecified". nullptr: there is none of that name.
const google::protobuf::EnumValueDescriptor* FindEnumValue(
    const google::protobuf::EnumDescriptor* type, absl::string_view text);
// All but the unspecified one, in order.
std::vector<std::string> EnumTexts(const google::protobuf::EnumDescriptor* type);

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_VALUE_TEXT_H_

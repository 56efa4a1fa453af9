#include "ctl/spec/value_text.h"

#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace muster {
namespace {

constexpr char kUnlimited[] = "unlimited";
constexpr char kUnspecified[] = "UNSPECIFIED";

struct SizeUnit {
  absl::string_view name;
  int64_t bytes;
};

// Largest first, for FormatByteSize.
constexpr SizeUnit kBinaryUnits[] = {
    {"TiB", int64_t{1} << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}};
constexpr SizeUnit kDecimalUnits[] = {
    {"TB", 1000000000000}, {"GB", 1000000000}, {"MB", 1000000}, {"KB", 1000}};

// The unit's factor, or 0. The final B may be left out, and case does not matter.
int64_t FactorOf(absl::string_view unit) {
  if (unit.empty() || absl::EqualsIgnoreCase(unit, "b")) return 1;
  for (const auto* units : {&kBinaryUnits, &kDecimalUnits}) {
    for (const SizeUnit& known : *units) {
      if (absl::EqualsIgnoreCase(unit, known.name) ||
          absl::EqualsIgnoreCase(unit, absl::StripSuffix(known.name, "B"))) {
        return known.bytes;
      }
    }
  }
  return 0;
}

std::string EnumPrefix(const google::protobuf::EnumDescriptor* type) {
  return std::string(absl::StripSuffix(type->value(0)->name(), kUnspecified));
}

}  // namespace

std::optional<int64_t> ParseByteSize(absl::string_view text) {
  if (text == kUnlimited) return -1;
  size_t digits = 0;
  while (digits < text.size() && absl::ascii_isdigit(text[digits])) ++digits;
  int64_t number = 0;
  if (digits == 0 || !absl::SimpleAtoi(text.substr(0, digits), &number)) return ParseCount(text);
  const int64_t factor = FactorOf(absl::StripAsciiWhitespace(text.substr(digits)));
  if (factor == 0 || number > std::numeric_limits<int64_t>::max() / factor) return std::nullopt;
  return number * factor;
}

std::string FormatByteSize(int64_t bytes) {
  if (bytes == -1) return kUnlimited;
  for (const SizeUnit& unit : kBinaryUnits) {
    if (bytes > 0 && bytes % unit.bytes == 0) return absl::StrCat(bytes / unit.bytes, unit.name);
  }
  return absl::StrCat(bytes);
}

std::optional<int64_t> ParseCount(absl::string_view text) {
  if (text == kUnlimited) return -1;
  int64_t number = 0;
  if (!absl::SimpleAtoi(text, &number)) return std::nullopt;
  return number;
}

std::string FormatCount(int64_t count) { return count == -1 ? kUnlimited : absl::StrCat(count); }

std::optional<google::protobuf::Duration> ParseDurationText(absl::string_view text) {
  absl::Duration parsed;
  if (text.empty() || !absl::ascii_isdigit(text[0]) || !absl::ParseDuration(text, &parsed) ||
      parsed == absl::InfiniteDuration()) {
    return std::nullopt;
  }
  google::protobuf::Duration duration;
  absl::Duration rest;
  duration.set_seconds(absl::IDivDuration(parsed, absl::Seconds(1), &rest));
  duration.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return duration;
}

std::string FormatDurationText(const google::protobuf::Duration& duration) {
  return absl::FormatDuration(absl::Seconds(duration.seconds()) +
                              absl::Nanoseconds(duration.nanos()));
}

std::string EnumText(const google::protobuf::EnumValueDescriptor* value) {
  const std::string prefix = EnumPrefix(value->type());
  return absl::AsciiStrToLower(absl::StripPrefix(value->name(), prefix));
}

const google::protobuf::EnumValueDescriptor* FindEnumValue(
    const google::protobuf::EnumDescriptor* type, absl::string_view text) {
  for (int i = 1; i < type->value_count(); ++i) {
    if (EnumText(type->value(i)) == text) return type->value(i);
  }
  return nullptr;
}

std::vector<std::string> EnumTexts(const google::protobuf::EnumDescriptor* type) {
  std::vector<std::string> texts;
  for (int i = 1; i < type->value_count(); ++i) texts.push_back(EnumText(type->value(i)));
  return texts;
}

}  // namespace muster

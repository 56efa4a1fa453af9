#include "common/job/constraint.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace muster {
namespace {

constexpr size_t kMaxKeyLength = 63;
constexpr size_t kMaxValueLength = 256;

}  // namespace

absl::StatusOr<Constraint> ParseConstraint(absl::string_view text) {
  Constraint constraint;
  size_t split = text.find("==");
  if (split != absl::string_view::npos) {
    constraint.kind = Constraint::Kind::kEquals;
  } else if (split = text.find("!="); split != absl::string_view::npos) {
    constraint.kind = Constraint::Kind::kDiffers;
  }
  absl::string_view key = text.substr(0, split);
  if (split != absl::string_view::npos) {
    constraint.value = std::string(absl::StripAsciiWhitespace(text.substr(split + 2)));
  } else if (absl::ConsumePrefix(&key, "!")) {
    constraint.kind = Constraint::Kind::kAbsent;
  }
  constraint.key = std::string(absl::StripAsciiWhitespace(key));
  if (!IsLabelKey(constraint.key)) {
    return absl::InvalidArgumentError(absl::StrCat("'", constraint.key, "' is not a label's name"));
  }
  if (!IsLabelValue(constraint.value)) {
    return absl::InvalidArgumentError("the value is not a label's value");
  }
  return constraint;
}

bool Fulfils(const google::protobuf::Map<std::string, std::string>& labels,
             const Constraint& constraint) {
  const auto label = labels.find(constraint.key);
  const bool present = label != labels.end();
  switch (constraint.kind) {
    case Constraint::Kind::kEquals:
      return present && label->second == constraint.value;
    case Constraint::Kind::kDiffers:
      return !present || label->second != constraint.value;
    case Constraint::Kind::kPresent:
      return present;
    case Constraint::Kind::kAbsent:
      return !present;
  }
  return false;
}

bool IsLabelKey(absl::string_view key) {
  if (key.empty() || key.size() > kMaxKeyLength || !absl::ascii_isalnum(key.front())) return false;
  for (const char c : key) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains("._/-", absl::string_view(&c, 1))) {
      return false;
    }
  }
  return true;
}

bool IsLabelValue(absl::string_view value) {
  if (value.size() > kMaxValueLength) return false;
  for (const char c : value) {
    if (absl::ascii_iscntrl(c)) return false;
  }
  return true;
}

}  // namespace muster

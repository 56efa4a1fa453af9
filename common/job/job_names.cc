#include "common/job/job_names.h"

#include "absl/strings/ascii.h"

namespace muster {
namespace {

constexpr size_t kIdSuffixLength = 7;  // '-' and six digits.

bool IsLowerOrDigit(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }

}  // namespace

bool IsJobName(absl::string_view name) {
  if (name.empty() || name.size() > kMaxJobNameLength) return false;
  if (name.front() == '-' || name.back() == '-') return false;
  for (const char c : name) {
    if (!IsLowerOrDigit(c) && c != '-') return false;
  }
  return true;
}

bool IsJobId(absl::string_view id) {
  if (id.size() <= kIdSuffixLength) return false;
  const absl::string_view suffix = id.substr(id.size() - kIdSuffixLength);
  for (const char c : suffix.substr(1)) {
    if (!absl::ascii_isdigit(c) && !(c >= 'a' && c <= 'f')) return false;
  }
  return suffix.front() == '-' && IsJobName(id.substr(0, id.size() - kIdSuffixLength));
}

bool IsEnvName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(name.front())) return false;
  for (const char c : name) {
    if (!absl::ascii_isalnum(c) && c != '_') return false;
  }
  return true;
}

std::string JobNameFrom(absl::string_view text) {
  std::string name;
  for (const char c : text) {
    const char lower = absl::ascii_tolower(c);
    if (IsLowerOrDigit(lower)) {
      name += lower;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
    if (name.size() == kMaxJobNameLength) break;
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "job" : name;
}

}  // namespace muster

#include "common/job/restart_check.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "google/protobuf/repeated_field.h"

namespace muster {
namespace {

constexpr int kMaxRestarts = 1000000;
constexpr int kMaxExitCode = 255;

using Codes = google::protobuf::RepeatedField<int32_t>;

void CheckCodes(const char* field, const Codes& codes, FaultList* faults) {
  std::set<int32_t> seen;
  for (int i = 0; i < codes.size(); ++i) {
    const std::string name = absl::StrCat(field, "[", i, "]");
    faults->CheckRange(name, codes[i], 1, kMaxExitCode);
    if (seen.insert(codes[i]).second) continue;
    faults->Add(name, "CONFLICT",
                absl::StrCat("exit code ", codes[i], " is in '", field, "' twice"), "name it once");
  }
}

bool IsLess(const google::protobuf::Duration& a, const google::protobuf::Duration& b) {
  return a.seconds() != b.seconds() ? a.seconds() < b.seconds() : a.nanos() < b.nanos();
}

// The delay doubles from the first one up to the longest.
void CheckDelays(const v1::RestartSpec& restart, FaultList* faults) {
  const size_t faults_before = faults->size();
  faults->CheckDuration("restart.first_delay", restart.has_first_delay(), restart.first_delay());
  faults->CheckDuration("restart.max_delay", restart.has_max_delay(), restart.max_delay());
  if (faults->size() > faults_before || !restart.has_first_delay() || !restart.has_max_delay() ||
      !IsLess(restart.max_delay(), restart.first_delay())) {
    return;
  }
  faults->Add("restart.max_delay", "OUT_OF_RANGE",
              "'restart.max_delay' is shorter than 'restart.first_delay'",
              "make it at least as long, or leave it out");
}

}  // namespace

void CheckRestart(const v1::RestartSpec& restart, FaultList* faults) {
  faults->CheckRange("restart.max_restarts", restart.max_restarts(), 0, kMaxRestarts);
  faults->CheckRange("restart.max_host_restarts", restart.max_host_restarts(), 0, kMaxRestarts);
  faults->CheckEnum("restart.scope", restart.scope(), v1::RestartScope_IsValid);
  faults->CheckDuration("restart.window", restart.has_window(), restart.window());
  CheckDelays(restart, faults);
  const Codes& never = restart.never_on();
  const Codes& always = restart.always_on();
  CheckCodes("restart.never_on", never, faults);
  CheckCodes("restart.always_on", always, faults);
  for (const int32_t code : always) {
    if (std::find(never.begin(), never.end(), code) == never.end()) continue;
    faults->Add("restart.always_on", "CONFLICT",
                absl::StrCat("exit code ", code, " is in 'never_on' as well"),
                "leave it in one of the two");
  }
}

}  // namespace muster

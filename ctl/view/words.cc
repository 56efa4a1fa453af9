#include "ctl/view/words.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/job/exit_result.h"

namespace muster {
namespace {

std::string Lower(const std::string& enum_name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(enum_name, prefix));
}

}  // namespace

std::string StateWord(v1::JobState state) { return Lower(v1::JobState_Name(state), "JOB_STATE_"); }
std::string StateWord(v1::RankState state) {
  return Lower(v1::RankState_Name(state), "RANK_STATE_");
}
std::string StateWord(v1::NodeState state) {
  return Lower(v1::NodeState_Name(state), "NODE_STATE_");
}

std::string FaultWord(v1::FaultClass fault) {
  if (fault == v1::FAULT_CLASS_UNSPECIFIED) return "";
  return Lower(v1::FaultClass_Name(fault), "FAULT_CLASS_");
}

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string AgeText(absl::Duration age) {
  age = std::max(age, absl::ZeroDuration());
  const double seconds = absl::ToDoubleSeconds(age);
  if (seconds < 9.95) return absl::StrFormat("%.1fs", seconds);
  const int64_t whole = absl::ToInt64Seconds(age);
  if (whole < 60) return absl::StrCat(whole, "s");
  if (whole < 3600) return absl::StrFormat("%dm%02ds", whole / 60, whole % 60);
  if (whole < 86400) return absl::StrFormat("%dh%02dm", whole / 3600, whole % 3600 / 60);
  return absl::StrFormat("%dd%dh", whole / 86400, whole % 86400 / 3600);
}

std::string AgeSince(const google::protobuf::Timestamp& time, absl::Time now) {
  return time.seconds() == 0 ? "" : AgeText(now - ToTime(time));
}

std::string ExitWord(const v1::RankStatus& rank) {
  const v1::ExitResult& exit = rank.exit();
  std::string word;
  switch (exit.how_case()) {
    case v1::ExitResult::kCode:
      word = absl::StrCat("exit ", exit.code());
      break;
    case v1::ExitResult::kSignal:
      word = SignalName(exit.signal());
      break;
    case v1::ExitResult::kNotStarted:
      return "not started";
    case v1::ExitResult::kUnknown:
      return "unknown";
    default:
      return "";
  }
  if (exit.out_of_memory()) return absl::StrCat("out of memory (", word, ")");
  return exit.stopped() ? absl::StrCat(word, " (stopped)") : word;
}

std::string BytesText(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string Count(int64_t number, absl::string_view noun) {
  return absl::StrCat(number, " ", noun, number == 1 ? "" : "s");
}

std::string RangesText(const std::vector<int>& sorted) {
  std::string text;
  for (size_t i = 0; i < sorted.size();) {
    size_t last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1) ++last;
    absl::StrAppend(&text, text.empty() ? "" : ",", sorted[i]);
    if (last > i) absl::StrAppend(&text, "-", sorted[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace muster

#include "common/job/exit_result.h"

#include <string.h>

#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/job/job_names.h"

namespace muster {
namespace {

constexpr int kShellNotExecutable = 126;
constexpr int kShellNotFound = 127;
constexpr int kUnknownExitCode = 1;

bool IsFinal(const v1::RankStatus& rank) {
  return rank.state() == v1::RANK_STATE_EXITED || rank.state() == v1::RANK_STATE_LOST ||
         rank.state() == v1::RANK_STATE_UNKNOWN;
}

bool EndedBadly(const v1::RankStatus& rank) { return IsFinal(rank) && !Succeeded(rank.exit()); }

using TimeKey = std::tuple<bool, int64_t, int32_t>;  // An absent time sorts last.

TimeKey WallTime(const v1::RankStatus& rank) {
  return {!rank.has_end_time(), rank.end_time().seconds(), rank.end_time().nanos()};
}

std::pair<bool, int64_t> BootTime(const v1::RankStatus& rank) {
  return {rank.end_boottime_ns() == 0, rank.end_boottime_ns()};
}

}  // namespace

v1::ExitResult ExitedWith(int code) {
  v1::ExitResult exit;
  exit.set_code(code);
  return exit;
}

v1::ExitResult KilledBy(int signal) {
  v1::ExitResult exit;
  exit.set_signal(signal);
  return exit;
}

v1::ExitResult NotStarted(absl::string_view why) {
  v1::ExitResult exit;
  exit.set_not_started(std::string(why));
  return exit;
}

v1::ExitResult UnknownExit(absl::string_view why) {
  v1::ExitResult exit;
  exit.set_unknown(std::string(why));
  return exit;
}

bool Succeeded(const v1::ExitResult& exit) {
  return exit.how_case() == v1::ExitResult::kCode && exit.code() == 0;
}

int ShellExitCode(const v1::ExitResult& exit) {
  switch (exit.how_case()) {
    case v1::ExitResult::kCode:
      return exit.code();
    case v1::ExitResult::kSignal:
      return 128 + exit.signal();
    case v1::ExitResult::kNotStarted:
      return exit.not_executable() ? kShellNotExecutable : kShellNotFound;
    case v1::ExitResult::kUnknown:
    case v1::ExitResult::HOW_NOT_SET:
      break;
  }
  return kUnknownExitCode;
}

std::string DescribeExit(const v1::ExitResult& exit) {
  switch (exit.how_case()) {
    case v1::ExitResult::kCode:
      return absl::StrCat("exited with code ", exit.code(),
                          exit.out_of_memory() ? ", out of memory" : "",
                          exit.message().empty() ? "" : ": ", exit.message());
    case v1::ExitResult::kSignal:
      return absl::StrCat("killed by ", SignalName(exit.signal()),
                          exit.out_of_memory() ? ", out of memory" : "",
                          exit.core_dumped() ? ", core dumped" : "");
    case v1::ExitResult::kNotStarted:
      return exit.not_started();
    case v1::ExitResult::kUnknown:
      return absl::StrCat("ended unseen: ", exit.unknown());
    case v1::ExitResult::HOW_NOT_SET:
      break;
  }
  return "ended unseen";
}

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? absl::StrCat("SIG", name) : absl::StrCat("signal ", signal);
}

const v1::RankStatus* FindFirstFailure(
    const google::protobuf::RepeatedPtrField<v1::RankStatus>& ranks) {
  // Two steps, so that the order is total: the boot-time clock knows only its own host.
  std::map<std::string, const v1::RankStatus*> first_of_node;
  for (const v1::RankStatus& rank : ranks) {
    if (!EndedBadly(rank) || rank.exit().stopped()) continue;
    const v1::RankStatus*& first = first_of_node[rank.node_name()];
    if (first == nullptr || BootTime(rank) < BootTime(*first) ||
        (BootTime(rank) == BootTime(*first) && WallTime(rank) < WallTime(*first))) {
      first = &rank;
    }
  }
  const v1::RankStatus* earliest = nullptr;
  for (const auto& [node, rank] : first_of_node) {
    if (earliest == nullptr || WallTime(*rank) < WallTime(*earliest)) earliest = rank;
  }
  return earliest;
}

v1::FirstCause MakeFirstCause(const v1::RankStatus& rank,
                              const google::protobuf::RepeatedPtrField<v1::RankStatus>& ranks) {
  v1::FirstCause cause;
  cause.set_role(rank.role());
  cause.set_rank(rank.rank());
  cause.set_node(rank.node_name());
  *cause.mutable_exit() = rank.exit();
  if (rank.has_end_time()) *cause.mutable_time() = rank.end_time();
  std::string how = DescribeExit(rank.exit());
  if (rank.state() == v1::RANK_STATE_LOST &&
      rank.exit().how_case() == v1::ExitResult::HOW_NOT_SET) {
    how = "lost with its host";
  }
  cause.set_summary(
      absl::StrCat(RankLabel(rank.role(), rank.rank()), " on ", rank.node_name(), ": ", how));
  int fallout = 0;
  for (const v1::RankStatus& other : ranks) {
    const bool same = other.role() == rank.role() && other.rank() == rank.rank();
    if (!same && EndedBadly(other)) ++fallout;
  }
  cause.set_fallout(fallout);
  return cause;
}

std::string RankLabel(absl::string_view role, int rank) {
  return absl::StrCat(role.empty() || role == kWorkerRole ? "rank" : role, " ", rank);
}

}  // namespace muster

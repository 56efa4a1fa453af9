#include "scheduler/core/restart_policy.h"

#include <algorithm>
#include <csignal>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "common/job/job_defaults.h"
#include "scheduler/core/fault_class.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

using History = std::vector<Failure>;

bool IsOnPurpose(const Failure& failure) { return failure.fault == v1::FAULT_CLASS_UNSPECIFIED; }

bool IsFreeStart(const Failure& failure) {
  return failure.fault == v1::FAULT_CLASS_START && !failure.ranks_ran;
}

enum class Budget { kOwn, kHosts, kAsked, kStart };

Budget BudgetOf(const Failure& failure) {
  if (IsHostFault(failure.fault)) return Budget::kHosts;
  if (failure.fault == v1::FAULT_CLASS_ASKED) return Budget::kAsked;
  return IsFreeStart(failure) ? Budget::kStart : Budget::kOwn;
}

int AllowedRestarts(const v1::RestartSpec& restart, const RestartLimits& limits, Budget budget) {
  switch (budget) {
    case Budget::kOwn:
      return restart.max_restarts();
    case Budget::kHosts:
      return HostRestarts(restart);
    case Budget::kAsked:
      return std::max(restart.max_restarts(), limits.asked_in_a_row);
    case Budget::kStart:
      return limits.free_starts;
  }
  return 0;
}

int FailuresWithin(absl::Duration window, const History& history) {
  const Failure& last = history.back();
  return static_cast<int>(
      std::count_if(history.begin(), history.end(), [&last, window](const Failure& failure) {
        return !IsOnPurpose(failure) && BudgetOf(failure) == BudgetOf(last) &&
               failure.time >= last.time - window;
      }));
}

// The latest failures of the same kind as the last, with nothing else between them, each within
// `soon` of its start. What was ended on purpose interrupts them, a free start does not: nothing
// was tried.
std::vector<const Failure*> SameInARow(const History& history, absl::Duration soon) {
  std::vector<const Failure*> row;
  for (auto it = history.rbegin(); it != history.rend(); ++it) {
    if (IsFreeStart(*it)) continue;
    if (IsOnPurpose(*it) || !SameFault(*it, history.back()) || it->ran >= soon) break;
    row.push_back(&*it);
  }
  return row;
}

// What has failed since the last progress: an attempt that ran for `window`, however it ended.
struct Stagnation {
  int failures = 0;      // Of the last one's budget,
  int same = 0;          // in the same way,
  bool in_a_row = true;  // and nothing else in between.
};

// Faults that take turns are no progress, so neither another fault nor another budget's begins the
// count anew.
Stagnation SinceProgress(const History& history, absl::Duration window) {
  Stagnation since;
  bool others = false;
  for (auto it = history.rbegin(); it != history.rend(); ++it) {
    if (IsFreeStart(*it)) continue;
    if (it->ran >= window) break;
    if (IsOnPurpose(*it) || BudgetOf(*it) != BudgetOf(history.back())) {
      others = true;
      continue;
    }
    if (others) since.in_a_row = false;
    ++since.failures;
    if (SameFault(*it, history.back())) ++since.same;
  }
  return since;
}

// By its own doing, as far as one can tell: SIGKILL comes from elsewhere.
bool IsProgramsExit(const v1::ExitResult& exit) {
  static const std::set<int> kOwn = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS};
  return exit.has_code() || kOwn.count(exit.signal()) > 0;
}

// A host may be at fault where all these failures were on the same one of several: then it is tried
// once more, elsewhere.
bool SameErrorAtOnce(const History& history, const RestartLimits& limits) {
  const Failure& last = history.back();
  const bool own = last.fault == v1::FAULT_CLASS_PROGRAM || last.fault == v1::FAULT_CLASS_KILLED;
  if (!own || !IsProgramsExit(last.exit)) return false;
  const std::vector<const Failure*> row = SameInARow(history, limits.at_once);
  const bool one_host =
      last.hosts > 1 && std::all_of(row.begin(), row.end(), [&last](const Failure* failure) {
        return failure->node_id == last.node_id;
      });
  return row.size() >= (one_host ? 3U : 2U);
}

absl::Duration Doubled(absl::Duration first, absl::Duration max, int times) {
  absl::Duration delay = std::min(first, max);
  for (int i = 0; i < times && delay < max; ++i) delay = std::min(delay * 2, max);
  return delay;
}

RestartDecision GiveUp(std::string why) {
  RestartDecision decision;
  decision.why = std::move(why);
  return decision;
}

RestartDecision Again(absl::Duration delay, const RestartLimits& limits, const History& history) {
  RestartDecision decision;
  decision.again = true;
  decision.delay = delay;
  decision.avoid =
      HostsToAvoid(history, limits.failures_of_host, limits.host_memory, history.back().time);
  return decision;
}

RestartDecision DecideFreeStart(const RestartLimits& limits, const History& history) {
  int starts = 0;
  for (auto it = history.rbegin(); it != history.rend() && IsFreeStart(*it); ++it) ++starts;
  if (starts > limits.free_starts) {
    return GiveUp(absl::StrCat("no rank ran in ", starts, " starts in a row"));
  }
  return Again(limits.free_start_delay * (1 << (starts - 1)), limits, history);
}

std::string UsedUp(Budget budget, int allowed, absl::Duration window) {
  const bool hosts = budget == Budget::kHosts;
  return absl::StrCat(
      allowed == 1 ? "the only restart" : absl::StrCat("all ", allowed, " restarts"),
      hosts ? " after lost hosts" : "", " within ", absl::FormatDuration(window),
      allowed == 1 ? " is" : " are", " used up (restart.",
      hosts ? "max_host_restarts" : "max_restarts", ")");
}

std::string NoProgress(const Stagnation& since, absl::Duration window) {
  const bool same = since.same == since.failures;
  return absl::StrCat(
      "no progress: ", since.failures, since.in_a_row ? " attempts in a row" : " attempts",
      same ? " ended in the same way within " : " failed within ", absl::FormatDuration(window),
      " of their start", since.in_a_row ? "" : ", and none since the first of them ran longer");
}

}  // namespace

int HostRestarts(const v1::RestartSpec& restart) {
  return restart.has_max_host_restarts() ? restart.max_host_restarts()
                                         : DefaultHostRestarts(restart.max_restarts());
}

bool RestartsRanks(const v1::RestartSpec& restart) {
  return restart.scope() == v1::RESTART_SCOPE_RANK && restart.max_restarts() > 0;
}

RestartDecision DecideRestart(const v1::RestartSpec& restart, const RestartLimits& limits,
                              const History& history) {
  const Failure& last = history.back();
  const Budget budget = BudgetOf(last);
  const int allowed = AllowedRestarts(restart, limits, budget);
  if (ForbidsRestart(restart, last.exit)) {
    return GiveUp(absl::StrCat("exit code ", ShellExitCode(last.exit), " is in restart.never_on"));
  }
  if (last.exit.has_not_started()) {
    return GiveUp(allowed == 0 ? "" : "what cannot be started is not tried again");
  }
  if (budget == Budget::kStart) return DecideFreeStart(limits, history);
  if (allowed == 0) return GiveUp("");
  if (SameErrorAtOnce(history, limits)) {
    return GiveUp(absl::StrCat("the same error at once in ",
                               SameInARow(history, limits.at_once).size(),
                               " attempts in a row would come again"));
  }
  const absl::Duration window = FromProtoDuration(restart.window());
  const int recent = FailuresWithin(window, history);
  if (budget != Budget::kAsked && recent > allowed) return GiveUp(UsedUp(budget, allowed, window));
  const Stagnation since = SinceProgress(history, window);
  const int bound = std::max(allowed, limits.least_in_a_row);
  // Hosts that are lost one after the other are not the job's fault, so these may be more.
  const int any = budget == Budget::kHosts ? std::max(allowed, limits.hosts_in_a_row) : bound;
  if (since.same > bound || since.failures > any) return GiveUp(NoProgress(since, window));
  return Again(Doubled(FromProtoDuration(restart.first_delay()),
                       FromProtoDuration(restart.max_delay()), recent - 1),
               limits, history);
}

}  // namespace muster

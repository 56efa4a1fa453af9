#include "scheduler/core/failure_history.h"

#include <algorithm>

#include "scheduler/core/attempt_ranks.h"
#include "scheduler/core/fault_class.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

// So many lives of a rank are remembered however old they are: failures in a row may be rare.
constexpr int kKeptOfRank = 100;

absl::Duration Between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to) {
  return std::max(FromTimestamp(to) - FromTimestamp(from), absl::ZeroDuration());
}

// The rank that the first cause names, or nullptr.
const v1::RankStatus* BlamedRank(const v1::Attempt& attempt) {
  const v1::FirstCause& cause = attempt.first_cause();
  if (!cause.has_exit()) return nullptr;
  for (const v1::RankStatus& rank : attempt.ranks()) {
    if (rank.role() == cause.role() && rank.rank() == cause.rank()) return &rank;
  }
  return nullptr;
}

absl::Duration TimeRun(const v1::Attempt& attempt) {
  const v1::RankStatus* const rank = BlamedRank(attempt);
  if (rank != nullptr && rank->has_start_time() && rank->has_end_time()) {
    return Between(rank->start_time(), rank->end_time());  // By one clock.
  }
  return Between(attempt.start_time(), attempt.first_cause().has_time()
                                           ? attempt.first_cause().time()
                                           : attempt.end_time());
}

std::string NodeIdOf(const v1::Attempt& attempt, const std::string& name) {
  for (const v1::NodePlacement& node : attempt.placement().nodes()) {
    if (node.node_name() == name) return node.node_id();
  }
  return "";
}

// Records of earlier versions have no class.
v1::FaultClass FaultOf(const v1::Job& job, const v1::Attempt& attempt, bool ranks_ran) {
  if (attempt.planned_end() != v1::PLANNED_END_UNSPECIFIED) return v1::FAULT_CLASS_UNSPECIFIED;
  if (attempt.fault_class() != v1::FAULT_CLASS_UNSPECIFIED) return attempt.fault_class();
  FaultEvidence evidence;
  evidence.ranks_ran = ranks_ran;
  return ClassifyFault(job.spec().restart(), evidence, attempt.first_cause());
}

Failure FailureOf(const v1::Job& job, const v1::Attempt& attempt) {
  Failure failure;
  failure.ranks_ran = AnyRankStarted(attempt);
  failure.fault = FaultOf(job, attempt, failure.ranks_ran);
  failure.exit = attempt.first_cause().exit();
  failure.time = FromTimestamp(attempt.end_time());
  failure.ran = TimeRun(attempt);
  failure.node_name = attempt.first_cause().node();
  failure.node_id = NodeIdOf(attempt, failure.node_name);
  failure.hosts = attempt.placement().nodes_size();
  return failure;
}

Failure FromStored(const v1::PastFailure& stored) {
  Failure failure;
  failure.fault = stored.fault_class();
  failure.exit = stored.exit();
  failure.time = FromTimestamp(stored.time());
  failure.ran = FromProtoDuration(stored.ran());
  failure.ranks_ran = stored.ranks_ran();
  failure.node_id = stored.node_id();
  failure.node_name = stored.node_name();
  failure.hosts = stored.hosts();
  return failure;
}

v1::PastFailure ToStored(const Failure& failure) {
  v1::PastFailure stored;
  stored.set_fault_class(failure.fault);
  v1::ExitResult* const exit = stored.mutable_exit();
  *exit = failure.exit;
  exit->clear_message();  // How it ended matters, not the words.
  if (exit->has_unknown()) exit->set_unknown("");
  if (exit->has_not_started()) exit->set_not_started("");
  *stored.mutable_time() = ToTimestamp(failure.time);
  *stored.mutable_ran() = ToProtoDuration(failure.ran);
  stored.set_ranks_ran(failure.ranks_ran);
  stored.set_node_id(failure.node_id);
  stored.set_node_name(failure.node_name);
  stored.set_hosts(failure.hosts);
  return stored;
}

// How many of the oldest failures no rule of the restart ladder looks at any more.
int CountForgotten(const AttemptBounds& bounds, absl::Time now, const v1::Job& job) {
  const auto& past = job.status().past_failures();
  const absl::Duration window = FromProtoDuration(job.spec().restart().window());
  int progress = past.size() - 1;
  while (progress >= 0 && FromProtoDuration(past[progress].ran()) < window) --progress;
  int forgotten = 0;
  while (forgotten < progress &&
         FromTimestamp(past[forgotten].time()) < now - std::max(window, bounds.memory)) {
    ++forgotten;
  }
  return std::max(forgotten, past.size() - bounds.failures);
}

}  // namespace

std::vector<Failure> FailuresOfJob(const v1::Job& job) {
  std::vector<Failure> history;
  const auto& attempts = job.status().attempts();
  for (int i = 0; i < attempts.size(); ++i) {
    if (attempts[i].has_end_time()) history.push_back(FailureOf(job, attempts[i]));
    if (i > 0) continue;
    for (const v1::PastFailure& past : job.status().past_failures()) {
      history.push_back(FromStored(past));
    }
  }
  return history;
}

void BoundAttempts(const AttemptBounds& bounds, absl::Time now, v1::Job* job) {
  v1::JobStatus* const status = job->mutable_status();
  const auto& attempts = status->attempts();
  size_t bytes = 0;
  for (int i = 1; i < attempts.size(); ++i) bytes += attempts[i].ByteSizeLong();
  int gone = 0;
  for (int left = attempts.size() - 1;
       left > bounds.latest || (left > bounds.least && bytes > bounds.max_bytes); --left) {
    const v1::Attempt& attempt = attempts[++gone];
    bytes -= attempt.ByteSizeLong();
    if (attempt.has_end_time()) *status->add_past_failures() = ToStored(FailureOf(*job, attempt));
  }
  if (gone == 0) return;
  status->mutable_attempts()->DeleteSubrange(1, gone);
  status->set_attempts_left_out(status->attempts_left_out() + gone);
  status->mutable_past_failures()->DeleteSubrange(0, CountForgotten(bounds, now, *job));
}

std::vector<Failure> FailuresOfRank(const v1::Attempt& attempt, absl::string_view role, int rank) {
  std::vector<Failure> history;
  for (const v1::RankFailure& noted : attempt.rank_failures()) {
    if (noted.role() != role || noted.rank() != rank) continue;
    Failure failure;
    failure.fault = noted.fault_class();
    failure.exit = noted.exit();
    failure.time = FromTimestamp(noted.time());
    failure.ran = FromProtoDuration(noted.ran());
    history.push_back(std::move(failure));
  }
  return history;
}

void NoteRankFailure(const v1::RankStatus& rank, v1::FaultClass fault, absl::Time now,
                     absl::Duration window, v1::Attempt* attempt) {
  auto* const noted = attempt->mutable_rank_failures();
  const auto same_rank = [&rank](const v1::RankFailure& failure) {
    return failure.role() == rank.role() && failure.rank() == rank.rank();
  };
  const auto same_life = [&](const v1::RankFailure& failure) {
    return same_rank(failure) && failure.restarts() == rank.restarts();
  };
  if (std::any_of(noted->begin(), noted->end(), same_life)) return;
  auto left = std::count_if(noted->begin(), noted->end(), same_rank);
  const auto forgotten = [&](const v1::RankFailure& failure) {
    return same_rank(failure) && left-- >= kKeptOfRank &&
           FromTimestamp(failure.time()) < now - window;
  };
  noted->erase(std::remove_if(noted->begin(), noted->end(), forgotten), noted->end());
  v1::RankFailure* const failure = noted->Add();
  failure->set_role(rank.role());
  failure->set_rank(rank.rank());
  *failure->mutable_exit() = rank.exit();
  *failure->mutable_time() = ToTimestamp(now);
  if (rank.has_start_time() && rank.has_end_time()) {
    *failure->mutable_ran() = ToProtoDuration(Between(rank.start_time(), rank.end_time()));
  }
  failure->set_fault_class(fault);
  failure->set_restarts(rank.restarts());
}

bool SameFault(const Failure& a, const Failure& b) {
  if (IsHostFault(a.fault) && IsHostFault(b.fault)) {
    return !a.node_id.empty() && a.node_id == b.node_id;  // A scheduler's outage has no host.
  }
  if (a.fault == v1::FAULT_CLASS_ASKED) return b.fault == a.fault;
  return a.fault == b.fault && a.exit.how_case() == b.exit.how_case() &&
         a.exit.code() == b.exit.code() && a.exit.signal() == b.exit.signal();
}

std::map<std::string, std::string> HostsToAvoid(const std::vector<Failure>& history, int failures,
                                                absl::Duration memory, absl::Time now) {
  std::map<std::string, int> counts;
  std::map<std::string, std::string> avoid;
  for (const Failure& failure : history) {
    const bool blames = failure.fault != v1::FAULT_CLASS_UNSPECIFIED &&
                        failure.fault != v1::FAULT_CLASS_ASKED &&
                        failure.fault != v1::FAULT_CLASS_TIMEOUT;
    if (!blames || failure.node_id.empty() || failure.time < now - memory) continue;
    if (++counts[failure.node_id] >= failures) avoid[failure.node_id] = failure.node_name;
  }
  return avoid;
}

}  // namespace muster

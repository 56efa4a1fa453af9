#include "ctl/client/job_follower.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace muster {

bool HasStarted(const v1::Job& job, const v1::Attempt& attempt) {
  if (attempt.placement().nodes().empty()) return false;
  const bool current = attempt.number() == job.status().attempts().rbegin()->number();
  switch (job.status().state()) {
    case v1::JOB_STATE_SUBMITTED:
    case v1::JOB_STATE_QUEUED:
    case v1::JOB_STATE_RESERVING:
      return !current || attempt.has_end_time();
    default:
      return true;
  }
}

JobFollower::JobFollower(JobSource* source, EventLoop* loop, Options options, Callbacks callbacks)
    : source_(source),
      loop_(loop),
      options_(std::move(options)),
      callbacks_(std::move(callbacks)),
      next_attempt_(options_.first_attempt) {
  JobWatcher::Callbacks watch;
  watch.on_job = [this](const v1::Job& job) { OnJob(job); };
  watch.on_lost = [this](const absl::Status& status) {
    callbacks_.on_notice(absl::StrCat("contact with the agent is lost, trying again: ",
                                      std::string(status.message())));
  };
  watch.on_back = [this] { callbacks_.on_notice("the agent is back"); };
  watch.on_failed = [this](const absl::Status& status) { Finish(status); };
  watcher_ = std::make_unique<JobWatcher>(source_, loop_, options_.job_id, options_.give_up_after,
                                          std::move(watch));
}

absl::Status JobFollower::Unread() const {
  if (!given_up_.ok()) return given_up_;
  for (const auto& [node, logs] : nodes_) {
    if (!logs->trouble().ok()) return logs->trouble();
  }
  return absl::OkStatus();
}

void JobFollower::OnJob(const v1::Job& job) {
  job_ = job;
  if (!std::exchange(job_known_, true) && next_attempt_ < 0) {
    const auto& attempts = job.status().attempts();
    next_attempt_ = attempts.empty() ? 0 : attempts.rbegin()->number();
  }
  callbacks_.on_job(job_);
  Advance();
}

void JobFollower::Advance() {
  if (finished_) return;
  const bool final = IsFinal(job_.status().state());
  if (reading_ >= 0 && !nodes_.empty()) {
    const v1::Attempt* attempt = FindAttempt(reading_);
    const bool over = final || attempt == nullptr || attempt->has_end_time();
    for (auto& [node, logs] : nodes_) {
      if (over) logs->AttemptOver();
    }
    return;
  }
  if (options_.only_first && reading_ >= 0) return Finish(absl::OkStatus());
  if (IsLeftOut(job_, next_attempt_)) {
    if (options_.only_first) return Finish(CheckAttemptExists(job_, next_attempt_));
    PassOver();
  }
  const v1::Attempt* next = FindAttempt(next_attempt_);
  if (next != nullptr && HasStarted(job_, *next)) {
    const absl::Status status = StartReading(*next);
    if (!status.ok()) return Finish(status);
    if (nodes_.empty()) Advance();
    return;
  }
  if (final) Finish(absl::OkStatus());
}

void JobFollower::PassOver() {
  const int first = next_attempt_;
  while (IsLeftOut(job_, next_attempt_)) ++next_attempt_;
  const int last = next_attempt_ - 1;
  callbacks_.on_notice(first == last ? absl::StrCat("no output of attempt ", first,
                                                    ": where it ran is no longer on record")
                                     : absl::StrCat("no output of attempts ", first, " to ", last,
                                                    ": where they ran is no longer on record"));
}

const v1::Attempt* JobFollower::FindAttempt(int number) const {
  for (const v1::Attempt& attempt : job_.status().attempts()) {
    if (attempt.number() == number) return &attempt;
  }
  return nullptr;
}

absl::Status JobFollower::StartReading(const v1::Attempt& attempt) {
  MUSTER_ASSIGN_OR_RETURN(const std::string role, RoleOf(options_.logs, job_.spec()));
  MUSTER_RETURN_IF_ERROR(CheckRanksExist(options_.logs, role, attempt.placement()));
  reading_ = attempt.number();
  next_attempt_ = reading_ + 1;
  for (int i = 0; i < attempt.placement().nodes_size(); ++i) {
    const v1::NodePlacement& node = attempt.placement().nodes(i);
    CursorBook::Options wanted;
    wanted.job_id = job_.id();
    wanted.attempt = attempt.number();
    wanted.ranks = SelectRanks(options_.logs, role, node);
    wanted.want_stdout = options_.logs.want_stdout;
    wanted.want_stderr = options_.logs.want_stderr;
    wanted.follow = options_.logs.follow;
    wanted.tail_lines = options_.logs.tail_lines;
    if (wanted.ranks.empty()) continue;
    const size_t index = static_cast<size_t>(i);
    NodeLogs::Callbacks callbacks;
    callbacks.on_message = callbacks_.on_log;
    callbacks.on_trouble = [this, name = node.node_name()](const absl::Status& status) {
      callbacks_.on_notice(
          absl::StrCat("output on ", name, ": ", std::string(status.message()), "; still trying"));
    };
    callbacks.on_done = [this, index, name = node.node_name()](const absl::Status& status) {
      NodeDone(index, name, status);
    };
    nodes_[index] = std::make_unique<NodeLogs>(source_, loop_, node.agent_address(), wanted,
                                               options_.give_up_after, std::move(callbacks));
    if (IsFinal(job_.status().state()) || attempt.has_end_time()) nodes_[index]->AttemptOver();
  }
  return absl::OkStatus();
}

void JobFollower::NodeDone(size_t node, const std::string& node_name, const absl::Status& status) {
  // A gang that never started has no output; why it did not start is in the verdict.
  if (!status.ok() && !absl::IsNotFound(status)) {
    if (given_up_.ok()) given_up_ = status;
    callbacks_.on_notice(
        absl::StrCat("output on ", node_name, ": ", std::string(status.message())));
  }
  nodes_.erase(node);
  if (!nodes_.empty()) return;
  callbacks_.on_attempt_read(reading_);
  Advance();
}

void JobFollower::Finish(const absl::Status& status) {
  if (std::exchange(finished_, true)) return;
  const auto on_done = callbacks_.on_done;
  on_done(status);
}

}  // namespace muster

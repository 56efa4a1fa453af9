#include "tests/fakes/fake_scheduler.h"

namespace muster {

v1::GangReportAck AckOf(const v1::GangReport& report) {
  v1::GangReportAck ack;
  ack.set_job_id(report.job_id());
  ack.set_attempt(report.attempt());
  ack.set_sequence(report.sequence());
  return ack;
}

void FakeScheduler::Change(const v1::Job& changed) {
  job = changed;
  const auto watches = watches_;  // A watcher may leave from within.
  for (const auto& [watch, on_change] : watches) {
    if (watches_.count(watch) > 0) on_change(changed);
  }
}

void FakeScheduler::Submit(const v1::SubmitJobRequest& request, const std::string& owner,
                           JobDone done) {
  submits.emplace_back(request, owner);
  done(job);
}

void FakeScheduler::Cancel(const v1::CancelJobRequest& request, JobDone done) {
  cancels.push_back(request);
  done(job);
}

absl::StatusOr<uint64_t> FakeScheduler::Watch(const std::string& id_or_prefix,
                                              std::function<void(const v1::Job&)> on_change) {
  if (!job.ok()) return job.status();
  watches_[++last_watch_] = on_change;
  const uint64_t watch = last_watch_;
  on_change(*job);
  return watch;
}

absl::StatusOr<v1::NodeWelcome> FakeScheduler::NodeConnected(const v1::NodeHello& hello,
                                                             uint64_t session,
                                                             std::function<void()> lost) {
  hellos.push_back(hello);
  if (welcome.ok()) on_lost[session] = std::move(lost);
  return welcome;
}

void FakeScheduler::NodeReport(uint64_t session, const v1::GangReport& report,
                               std::function<void(const v1::GangReportAck&)> acked) {
  reports.push_back(report);
  if (hold_acks) {
    held_acks.push_back({report, std::move(acked)});
  } else {
    acked(AckOf(report));
  }
}

}  // namespace muster

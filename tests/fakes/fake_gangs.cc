#include "tests/fakes/fake_gangs.h"

#include "absl/strings/str_cat.h"

namespace muster {

FakeOutputLog* FakeGangs::Log(int rank, bool is_stderr) {
  std::unique_ptr<FakeOutputLog>& log = logs_[{rank, is_stderr}];
  if (log == nullptr) log = std::make_unique<FakeOutputLog>();
  return log.get();
}

void FakeGangs::Tell(const v1::GangReport& report) {
  if (sink_) sink_(report);
}

absl::StatusOr<v1::NodePlacement> FakeGangs::Reserve(const v1::ReserveGangRequest& request) {
  reserves.push_back(request);
  if (!answer.ok()) return answer;
  return request.placement();
}

void FakeGangs::Start(const v1::StartGangRequest& request, Done done) {
  starts.push_back(request);
  if (hold_starts) {
    held_starts.push_back(std::move(done));
  } else {
    done(answer);
  }
}

absl::Status FakeGangs::Stop(const v1::StopGangRequest& request) {
  stops.push_back(request);
  return answer;
}

absl::Status FakeGangs::Release(const v1::ReleaseGangRequest& request) {
  releases.push_back(request);
  return answer;
}

absl::Status FakeGangs::RestartRank(const v1::RestartRankRequest& request) {
  restarts.push_back(request);
  return answer;
}

absl::Status FakeGangs::ObserveEpoch(int64_t epoch) {
  if (epoch_answer.ok()) epoch_ = epoch;
  return epoch_answer;
}

void FakeGangs::Acknowledge(const std::string& job_id, int attempt, int64_t sequence) {
  acks.push_back({job_id, attempt, sequence});
}

absl::StatusOr<OutputLog*> FakeGangs::FindOutput(const std::string& job_id, int attempt,
                                                 const std::string& role, int rank,
                                                 bool is_stderr) {
  if (job_id != "job" || attempt != 0 || role != "worker" || logs_.count({rank, false}) == 0) {
    return absl::NotFoundError(absl::StrCat("job ", job_id, ": no ", role, " ", rank, " here"));
  }
  return Log(rank, is_stderr);
}

absl::StatusOr<std::vector<std::pair<std::string, int>>> FakeGangs::RanksOf(
    const std::string& job_id, int attempt) {
  if (job_id != "job" || attempt != 0) {
    return absl::NotFoundError(absl::StrCat("job ", job_id, " is not on this host"));
  }
  std::vector<std::pair<std::string, int>> ranks;
  for (const auto& [key, log] : logs_) {
    if (!key.second) ranks.emplace_back("worker", key.first);
  }
  return ranks;
}

}  // namespace muster

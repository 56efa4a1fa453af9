#ifndef MUSTER_TESTS_FAKES_FAKE_GANGS_H_
#define MUSTER_TESTS_FAKES_FAKE_GANGS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/task/gangs.h"
#include "tests/fakes/fake_output_log.h"

namespace muster {

// Records what is asked of it and answers as it is told. Lives on the loop's thread.
class FakeGangs final : public Gangs {
 public:
  struct Acked {
    std::string job_id;
    int attempt;
    int64_t sequence;
  };

  // The answers.
  absl::Status answer;                  // Of the commands.
  absl::Status epoch_answer;            // Of ObserveEpoch().
  bool hold_starts = false;             // Start() keeps `done` in `held_starts`.
  std::vector<v1::GangReport> reports;  // Of Reports().
  // What was asked.
  std::vector<v1::ReserveGangRequest> reserves;
  std::vector<v1::StartGangRequest> starts;
  std::vector<v1::StopGangRequest> stops;
  std::vector<v1::ReleaseGangRequest> releases;
  std::vector<v1::RestartRankRequest> restarts;
  std::vector<Done> held_starts;
  std::vector<Acked> acks;
  std::vector<NodeLease> leases;
  bool fenced = false;  // Since the last SetLease().

  // A stream of (job "job", attempt 0, role "worker"); made at the first call.
  FakeOutputLog* Log(int rank, bool is_stderr);
  // Tells the report sink, as the engine does on every change.
  void Tell(const v1::GangReport& report);

  void Recover(Done done) override { done(absl::OkStatus()); }
  absl::StatusOr<v1::NodePlacement> Reserve(const v1::ReserveGangRequest& request) override;
  void Start(const v1::StartGangRequest& request, Done done) override;
  absl::Status Stop(const v1::StopGangRequest& request) override;
  absl::Status Release(const v1::ReleaseGangRequest& request) override;
  absl::Status RestartRank(const v1::RestartRankRequest& request) override;
  int64_t epoch() const override { return epoch_; }
  absl::Status ObserveEpoch(int64_t epoch) override;
  void SetLease(const NodeLease& lease) override {
    leases.push_back(lease);
    fenced = false;
  }
  std::optional<NodeLease> lease() const override {
    return leases.empty() ? std::nullopt : std::make_optional(leases.back());
  }
  void Fence() override { fenced = true; }
  void SetReportSink(ReportSink sink) override { sink_ = std::move(sink); }
  std::vector<v1::GangReport> Reports() const override { return reports; }
  void Acknowledge(const std::string& job_id, int attempt, int64_t sequence) override;
  absl::StatusOr<OutputLog*> FindOutput(const std::string& job_id, int attempt,
                                        const std::string& role, int rank, bool is_stderr) override;
  absl::StatusOr<std::vector<std::pair<std::string, int>>> RanksOf(const std::string& job_id,
                                                                   int attempt) override;

 private:
  std::map<std::pair<int, bool>, std::unique_ptr<FakeOutputLog>> logs_;
  ReportSink sink_;
  int64_t epoch_ = 0;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_FAKE_GANGS_H_

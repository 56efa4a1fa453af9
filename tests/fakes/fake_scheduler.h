#ifndef MUSTER_TESTS_FAKES_FAKE_SCHEDULER_H_
#define MUSTER_TESTS_FAKES_FAKE_SCHEDULER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/core/scheduler.h"

namespace muster {

// Records what is asked of it and answers as it is told. Lives on the loop's thread.
class FakeScheduler final : public Scheduler {
 public:
  using JobDone = std::function<void(const absl::StatusOr<v1::Job>&)>;
  struct Ack {
    v1::GangReport report;
    std::function<void(const v1::GangReportAck&)> done;
  };

  // The answers.
  absl::StatusOr<v1::Job> job = v1::Job();  // Of Submit(), Cancel(), Scale(), Get(), Watch().
  v1::ListJobsResponse jobs;
  absl::StatusOr<v1::NodeWelcome> welcome = v1::NodeWelcome();
  bool hold_acks = false;  // NodeReport() keeps them in `held_acks`.
  std::vector<v1::Node> nodes;
  absl::StatusOr<v1::Node> node = v1::Node();  // Of OrderNode().
  // What was asked.
  std::vector<std::pair<v1::SubmitJobRequest, std::string>> submits;  // With the owner.
  std::vector<v1::CancelJobRequest> cancels;
  std::vector<std::pair<v1::ScaleJobRequest, std::string>> scales;  // With who asked.
  std::vector<v1::NodeHello> hellos;
  std::vector<v1::GangReport> reports;
  std::vector<v1::NodeInfo> infos;
  std::vector<uint64_t> disconnects;
  std::vector<NodeOrder> orders;
  int heartbeats = 0;
  std::vector<Ack> held_acks;
  std::map<uint64_t, std::function<void()>> on_lost;  // By session.

  // Tells every watcher.
  void Change(const v1::Job& changed);
  int watchers() const { return static_cast<int>(watches_.size()); }

  absl::Status Load() override { return absl::OkStatus(); }
  int64_t epoch() const override { return 1; }
  void Submit(const v1::SubmitJobRequest& request, const std::string& owner, JobDone done) override;
  void Cancel(const v1::CancelJobRequest& request, JobDone done) override;
  void Scale(const v1::ScaleJobRequest& request, const std::string& who, JobDone done) override {
    scales.emplace_back(request, who);
    done(job);
  }
  absl::StatusOr<v1::Job> Get(const std::string& id_or_prefix) const override { return job; }
  absl::StatusOr<v1::ListJobsResponse> List(const v1::ListJobsRequest& request) const override {
    return jobs;
  }
  absl::StatusOr<uint64_t> Watch(const std::string& id_or_prefix,
                                 std::function<void(const v1::Job&)> on_change) override;
  void Unwatch(uint64_t watch) override { watches_.erase(watch); }
  absl::StatusOr<v1::NodeWelcome> NodeConnected(const v1::NodeHello& hello, uint64_t session,
                                                std::function<void()> lost) override;
  void NodeHeartbeat(uint64_t session) override { ++heartbeats; }
  void NodeReport(uint64_t session, const v1::GangReport& report,
                  std::function<void(const v1::GangReportAck&)> acked) override;
  void NodeInfoChanged(uint64_t session, const v1::NodeInfo& info) override {
    infos.push_back(info);
  }
  void NodeDisconnected(uint64_t session) override { disconnects.push_back(session); }
  std::vector<v1::Node> Nodes() const override { return nodes; }
  void OrderNode(const NodeOrder& order, const std::string& who,
                 std::function<void(const absl::StatusOr<v1::Node>&)> done) override {
    orders.push_back(order);
    done(node);
  }

 private:
  uint64_t last_watch_ = 0;
  std::map<uint64_t, std::function<void(const v1::Job&)>> watches_;
};

// The ack that stands for `report`.
v1::GangReportAck AckOf(const v1::GangReport& report);

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_FAKE_SCHEDULER_H_

#include "tests/cluster/cluster.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"
#include "scheduler/core/fence_time.h"

namespace muster {
namespace {

// The answer so far. It may come after the caller has gone, from a store that was held.
template <typename T>
std::shared_ptr<absl::StatusOr<T>> MakeAnswer() {
  return std::make_shared<absl::StatusOr<T>>(absl::UnknownError("no answer"));
}

}  // namespace

Cluster::Cluster() : loop_(&clock_), store_(&loop_) { MakeScheduler(); }

Cluster::~Cluster() {
  scheduler_ = nullptr;
  Settle();
}

FakeAgent* Cluster::AddNode(const std::string& name, int devices) {
  nodes_[name] = std::make_unique<FakeAgent>(&loop_, name, devices);
  CHECK(nodes_[name]->Connect(scheduler_.get()).ok());
  Settle();
  return nodes_[name].get();
}

FakeAgent* Cluster::AddFencedNode(const std::string& name, int devices, const std::string& rack) {
  nodes_[name] = std::make_unique<FakeAgent>(&loop_, name, devices);
  nodes_[name]->keeps_lease = true;
  if (!rack.empty()) nodes_[name]->SetLabel("rack", rack);
  CHECK(nodes_[name]->Connect(scheduler_.get()).ok());
  Settle();
  return nodes_[name].get();
}

v1::Node Cluster::Order(NodeOrder::Kind kind, const std::string& node, bool now) {
  NodeOrder order;
  order.kind = kind;
  order.node = node;
  order.now = now;
  order.reason = "maintenance";
  const auto answer = MakeAnswer<v1::Node>();
  scheduler_->OrderNode(order, "tester", [answer](const auto& shown) { *answer = shown; });
  Settle();
  CHECK(answer->ok()) << answer->status();
  return **answer;
}

void Cluster::Settle() { loop_.RunDue(); }

void Cluster::Advance(absl::Duration duration) {
  while (duration > absl::ZeroDuration()) {
    const absl::Duration step = std::min(duration, absl::Milliseconds(500));
    clock_.Advance(step);
    for (auto& [name, agent] : nodes_) agent->Beat();
    Settle();
    duration -= step;
  }
}

void Cluster::MakeScheduler() {
  scheduler_ = Scheduler::Make(options_, &loop_, &store_, [this](const std::string& address) {
    return nodes_.at(address)->MakeChannel();
  });
  CHECK(scheduler_->Load().ok());
}

void Cluster::RestartScheduler(bool reconnect) {
  store_.Crash();
  for (auto& [name, agent] : nodes_) agent->Disconnect();
  scheduler_ = nullptr;
  Settle();
  MakeScheduler();
  for (auto& [name, agent] : nodes_) {
    if (reconnect) CHECK(agent->Connect(scheduler_.get()).ok());
  }
  Settle();
}

absl::StatusOr<v1::Job> Cluster::TrySubmit(const v1::JobSpec& spec, const std::string& request_id) {
  v1::SubmitJobRequest request;
  *request.mutable_spec() = spec;
  request.set_request_id(request_id);
  const auto answer = MakeAnswer<v1::Job>();
  scheduler_->Submit(request, "tester", [answer](const auto& job) { *answer = job; });
  Settle();
  return *answer;
}

std::string Cluster::Submit(const v1::JobSpec& spec, const std::string& request_id) {
  const std::string id = request_id.empty() ? absl::StrCat("request-", ++requests_) : request_id;
  const absl::StatusOr<v1::Job> job = TrySubmit(spec, id);
  CHECK(job.ok()) << job.status();
  return job->id();
}

absl::StatusOr<v1::Job> Cluster::Cancel(const std::string& id) {
  v1::CancelJobRequest request;
  request.set_job_id(id);
  const auto answer = MakeAnswer<v1::Job>();
  scheduler_->Cancel(request, [answer](const auto& job) { *answer = job; });
  Settle();
  return *answer;
}

v1::Job Cluster::Get(const std::string& id) {
  const absl::StatusOr<v1::Job> job = scheduler_->Get(id);
  CHECK(job.ok()) << job.status();
  return *job;
}

const absl::Duration kFencedAfter = FencedAfter(absl::Seconds(20), absl::Seconds(10));

v1::JobSpec MakeSpec(int nodes, int ranks_per_node, int devices_per_rank) {
  v1::JobSpec spec;
  spec.set_name("train");
  spec.set_contract("plain");
  spec.add_command("/bin/true");
  spec.set_workdir("/");
  spec.mutable_nodes()->set_min(nodes);
  spec.mutable_nodes()->set_max(nodes);
  spec.set_ranks_per_node(ranks_per_node);
  if (devices_per_rank > 0) {
    spec.mutable_devices_per_rank()->set_kind("nvidia");
    spec.mutable_devices_per_rank()->set_count(devices_per_rank);
  }
  return spec;
}

v1::JobSpec MakeRestartingSpec(int nodes, int max_restarts) {
  v1::JobSpec spec = MakeSpec(nodes, 1);
  spec.mutable_restart()->set_max_restarts(max_restarts);
  return spec;
}

}  // namespace muster

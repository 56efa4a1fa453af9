#include "scheduler/store/memory_store.h"

#include <utility>

namespace muster {

absl::StatusOr<StoredState> MemoryStore::Load() {
  StoredState state;
  state.epoch = ++epoch_;
  for (const auto& [id, job] : jobs_) state.jobs.push_back(job);
  for (const auto& [id, request] : requests_) state.requests.push_back(request);
  for (const auto& [id, node] : nodes_) state.nodes.push_back(node);
  return state;
}

void MemoryStore::Commit(StateBatch batch, Done done) {
  waiting_.push_back({std::move(batch), std::move(done)});
  if (std::exchange(flushing_, true)) return;
  loop_->Post([this] {
    flushing_ = false;
    Flush();
  });
}

absl::Status MemoryStore::Full() const {
  return full_ ? absl::ResourceExhaustedError("state store: the disk is full") : absl::OkStatus();
}

void MemoryStore::Hold(bool hold) {
  held_ = hold;
  if (!hold) Flush();
}

void MemoryStore::Crash() { waiting_.clear(); }

void MemoryStore::SetFull(bool full) {
  full_ = full;
  if (!full) Flush();
}

void MemoryStore::Flush() {
  while (!waiting_.empty() && !held_) {
    const bool refuse = full_ && waiting_.front().batch.refuse_when_full;
    if (full_ && !refuse) return;
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    if (!refuse) Apply(next.batch);
    next.done(refuse ? Full() : absl::OkStatus());
  }
}

void MemoryStore::Apply(const StateBatch& batch) {
  if (!batch.empty()) ++commits_;
  for (const JobRecord& record : batch.put_jobs) jobs_[record.job.id()] = record;
  for (const std::string& id : batch.remove_jobs) jobs_.erase(id);
  for (const RequestRecord& request : batch.put_requests) requests_[request.request_id] = request;
  for (const NodeRecord& node : batch.put_nodes) {
    nodes_[node.node_id] = node;
    if (!node.cordoned && !node.draining) nodes_.erase(node.node_id);
  }
  for (auto it = requests_.begin(); it != requests_.end();) {
    it = it->second.made < batch.forget_requests_before ? requests_.erase(it) : std::next(it);
  }
}

}  // namespace muster

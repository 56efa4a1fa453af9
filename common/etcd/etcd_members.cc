#include "common/etcd/etcd_members.h"

#include <utility>

namespace muster {

EtcdMembers::EtcdMembers(std::vector<std::shared_ptr<grpc::Channel>> channels)
    : channels_(std::move(channels)) {}

void EtcdMembers::Failed(uint64_t turn) {
  if (turn != turn_ || Size() == 1) return;
  ++turn_;
  const std::map<uint64_t, std::function<void()>> listeners = listeners_;
  for (const auto& [id, on_turn] : listeners) {
    if (listeners_.count(id) > 0) on_turn();
  }
}

bool EtcdMembers::Blames(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

uint64_t EtcdMembers::Listen(std::function<void()> on_turn) {
  listeners_[next_listener_] = std::move(on_turn);
  return next_listener_++;
}

// https://etcd.io/docs/v3.4/learning/client-design: what WithRequireLeader() sends.
void RequireEtcdLeader(grpc::ClientContext* context) { context->AddMetadata("hasleader", "true"); }

}  // namespace muster

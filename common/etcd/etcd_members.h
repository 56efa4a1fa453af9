#ifndef MUSTER_COMMON_ETCD_ETCD_MEMBERS_H_
#define MUSTER_COMMON_ETCD_ETCD_MEMBERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace muster {

// The members of one etcd cluster, of which one is used until it fails: then it is the next one's
// turn. A channel over all of them would not do: gRPC stays with a member that accepts connections
// and answers nothing, because it hangs or has lost the others. Lives on the loop.
class EtcdMembers {
 public:
  explicit EtcdMembers(std::vector<std::shared_ptr<grpc::Channel>> channels);

  // To the member whose turn it is.
  const std::shared_ptr<grpc::Channel>& channel() const { return channels_[turn_ % Size()]; }
  // Counts the changes; what a call remembers to say whom it had asked.
  uint64_t turn() const { return turn_; }
  // The member of `turn` did not do its work: if nobody has said so yet, the next one is used.
  void Failed(uint64_t turn);
  // Whether `status` is a reason for Failed(): not when the member itself says no.
  static bool Blames(const absl::Status& status);

  // Calls `on_turn` after each change, until Forget().
  uint64_t Listen(std::function<void()> on_turn);
  void Forget(uint64_t listener) { listeners_.erase(listener); }

 private:
  size_t Size() const { return channels_.size(); }

  const std::vector<std::shared_ptr<grpc::Channel>> channels_;
  uint64_t turn_ = 0;
  uint64_t next_listener_ = 1;
  std::map<uint64_t, std::function<void()>> listeners_;
};

// A member that has lost the others refuses the call at once, in place of letting it wait.
void RequireEtcdLeader(grpc::ClientContext* context);

}  // namespace muster

#endif  // MUSTER_COMMON_ETCD_ETCD_MEMBERS_H_

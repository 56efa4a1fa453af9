#include "ctl/client/channels.h"

#include "common/base/status.h"

namespace muster {

absl::StatusOr<std::shared_ptr<grpc::Channel>> Channels::Get(const std::string& address) {
  std::shared_ptr<grpc::Channel>& channel = channels_[address];
  if (channel == nullptr) {
    MUSTER_ASSIGN_OR_RETURN(channel, MakeChannel(address, security_));
  }
  return channel;
}

}  // namespace muster

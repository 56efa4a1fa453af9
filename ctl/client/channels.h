#ifndef MUSTER_CTL_CLIENT_CHANNELS_H_
#define MUSTER_CTL_CLIENT_CHANNELS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/rpc/channel.h"

namespace muster {

// One channel per agent, made when first asked for. Not thread-safe.
class Channels {
 public:
  explicit Channels(SecurityOptions security) : security_(std::move(security)) {}

  absl::StatusOr<std::shared_ptr<grpc::Channel>> Get(const std::string& address);

 private:
  const SecurityOptions security_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_CHANNELS_H_

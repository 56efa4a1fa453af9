// How our channels and servers are tuned, the same on both sides.
#ifndef MUSTER_COMMON_RPC_CHANNEL_H_
#define MUSTER_COMMON_RPC_CHANNEL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/rpc/credentials.h"
#include "grpcpp/channel.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/channel_arguments.h"

namespace muster {

// A spec with some thousand ranks, or the reports of a busy host, fit in.
inline constexpr int kMaxMessageBytes = 4 << 20;

// No proxy of the environment, quick reconnects, small windows, keep-alive.
grpc::ChannelArguments ClientArguments();

// A channel to `unix:PATH` or `HOST:PORT`. Connects when first used.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(absl::string_view address,
                                                           const SecurityOptions& security);

// The same with a connection of its own: one to a peer whose other connections may hang, for
// packets were lost and nobody knows yet, does not wait for them.
absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeFreshChannel(absl::string_view address,
                                                                const SecurityOptions& security);

// Limits and keep-alive of a server.
void TuneServer(grpc::ServerBuilder* builder);

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_CHANNEL_H_

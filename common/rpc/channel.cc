#include "common/rpc/channel.h"

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "grpc/impl/codegen/grpc_types.h"
#include "grpcpp/create_channel.h"

namespace muster {
namespace {

// Errors travel in headers; both sides must take what grpc_status.cc may send.
constexpr int kMaxMetadataBytes = 16 << 10;
// The client asks whether the server lives when nothing was heard for so long; the server allows it
// that often, and asks more seldom itself: it is the client who must notice.
constexpr int kClientKeepaliveMs = 30'000;
constexpr int kServerKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kLeastPingIntervalMs = 15'000;
// Beyond these a client must wait: each stream costs the server up to 128 KiB.
constexpr int kMaxStreamsPerConnection = 1024;
// Unread log streams otherwise cost the client megabytes each: gRPC widens windows by its bandwidth
// probe (64 streams: 100 to 460 MB).
constexpr int kStreamWindowBytes = 1 << 20;

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannelWith(const grpc::ChannelArguments& args,
                                                               absl::string_view address,
                                                               const SecurityOptions& security) {
  MUSTER_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ChannelCredentials> credentials,
                          MakeChannelCredentials(address, security));
  const std::string target =
      IsUnixAddress(address) ? absl::StrCat("unix:", UnixPathOf(address)) : std::string(address);
  // Also while no call is under way: a gateway may have forgotten a connection that rested, and the
  // next command should not be the one to find out. Not in ClientArguments(): etcd forbids it.
  grpc::ChannelArguments ours = args;
  ours.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  return grpc::CreateCustomChannel(target, credentials, ours);
}

}  // namespace

grpc::ChannelArguments ClientArguments() {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);  // In truth: how long one try may take.
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  args.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  args.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamWindowBytes);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kClientKeepaliveMs);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // A silent stream may stay for days.
  args.SetInt(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return args;
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(absl::string_view address,
                                                           const SecurityOptions& security) {
  return MakeChannelWith(ClientArguments(), address, security);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeFreshChannel(absl::string_view address,
                                                                const SecurityOptions& security) {
  grpc::ChannelArguments args = ClientArguments();
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return MakeChannelWith(args, address, security);
}

void TuneServer(grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kServerKeepaliveMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                              kLeastPingIntervalMs);
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // A taken port is an error.
}

}  // namespace muster

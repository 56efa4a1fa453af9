#include "agent/api_server.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/listener.h"
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "common/rpc/deadline.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/server_builder.h"

namespace muster {
namespace {

constexpr mode_t kSocketMode = 0600;  // Who may open it may do everything.

// gRPC's reflection adds itself to every server of a program that it is linked into.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const std::unique_ptr<grpc::ServerBuilderPlugin>& plugin) {
                                    return absl::StrContains(plugin->name(), "reflection");
                                  }),
                   plugins->end());
  }
};

std::string WithPort(const std::string& address, int port) {
  if (IsUnixAddress(address)) return address;
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApiServer>> ApiServer::Start(
    const AgentOptions& options, const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  TuneServer(&builder);
  std::vector<int> ports(options.listen.size());
  for (size_t i = 0; i < options.listen.size(); ++i) {
    MUSTER_RETURN_IF_ERROR(PrepareListener(options.listen[i]));
    MUSTER_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                            MakeServerCredentials(options.listen[i], options.security));
    builder.AddListeningPort(options.listen[i], credentials, &ports[i]);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  if (!options.enable_reflection) builder.SetOption(std::make_unique<WithoutReflection>());
  auto started = std::make_unique<ApiServer>();
  started->server_ = builder.BuildAndStart();
  if (started->server_ == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ",
                                               absl::StrJoin(options.listen, ", "),
                                               ": gRPC refused it; its own lines above say why"));
  }
  for (size_t i = 0; i < options.listen.size(); ++i) {
    started->addresses_.push_back(WithPort(options.listen[i], ports[i]));
    const std::string path = UnixPathOf(options.listen[i]);
    if (!path.empty() && chmod(path.c_str(), kSocketMode) != 0) {
      return ErrnoStatus(errno, absl::StrCat("chmod ", path));
    }
  }
  return started;
}

std::shared_ptr<grpc::Channel> ApiServer::InProcessChannel() {
  return server_->InProcessChannel(ClientArguments());
}

void ApiServer::SayGoodbye() {
  if (server_->GetHealthCheckService() != nullptr) server_->GetHealthCheckService()->Shutdown();
}

void ApiServer::Shutdown(absl::Duration patience) { server_->Shutdown(DeadlineAfter(patience)); }

}  // namespace muster

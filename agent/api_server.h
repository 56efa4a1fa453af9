#ifndef MUSTER_AGENT_API_SERVER_H_
#define MUSTER_AGENT_API_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/options.h"
#include "grpcpp/channel.h"
#include "grpcpp/server.h"

namespace muster {

// The agent's one gRPC server: our services, health, and reflection when asked for.
class ApiServer {
 public:
  // Listens on every address of `options`. `services` must outlive the server. The errors of
  // PrepareListener(), and of the credentials.
  static absl::StatusOr<std::unique_ptr<ApiServer>> Start(
      const AgentOptions& options, const std::vector<grpc::Service*>& services);

  // As asked for, with the port filled in where that was 0.
  const std::vector<std::string>& addresses() const { return addresses_; }
  // To this very server, without a socket.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // From now on health says NOT_SERVING.
  void SayGoodbye();
  // Takes no more calls, waits for those that are open, cancels them after `patience`. Blocks, and
  // needs the loop to run meanwhile: every call ends there.
  void Shutdown(absl::Duration patience);

 private:
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> addresses_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_API_SERVER_H_

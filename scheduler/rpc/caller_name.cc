#include "scheduler/rpc/caller_name.h"

#include <memory>
#include <vector>

#include "grpcpp/security/auth_context.h"

namespace muster {

std::string CallerName(const grpc::CallbackServerContext& context, const std::string& local_user) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    const std::vector<grpc::string_ref> names = auth->GetPeerIdentity();
    if (!names.empty()) return std::string(names[0].data(), names[0].size());
  }
  return local_user;
}

}  // namespace muster

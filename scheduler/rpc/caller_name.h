// Who calls: for a job's owner, and for the log.
#ifndef MUSTER_SCHEDULER_RPC_CALLER_NAME_H_
#define MUSTER_SCHEDULER_RPC_CALLER_NAME_H_

#include <string>

#include "grpcpp/server_context.h"

namespace muster {

// The name in the caller's certificate; without one (a Unix socket, whose mode lets nobody else in)
// `local_user`.
std::string CallerName(const grpc::CallbackServerContext& context, const std::string& local_user);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_CALLER_NAME_H_

// The border between absl::Status (everywhere) and grpc::Status (floor rpc alone). Codes are the
// same numbers on both sides.
#ifndef MUSTER_COMMON_RPC_GRPC_STATUS_H_
#define MUSTER_COMMON_RPC_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace muster {

// The details go as a google.rpc.Status in grpc-status-details-bin, which clients in every language
// can read. Status travels in HTTP/2 headers, which peers limit: a long message is cut, and details
// that do not fit are left out from the end.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Details in a form that is not ours are dropped; code and message stay.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_GRPC_STATUS_H_

// What rides beside the message of an error: a reason for programs, the field to blame, a hint for
// people. Without gRPC, so that engine code may use it; common/rpc/grpc_status carries it over the
// wire.
#ifndef MUSTER_COMMON_RPC_ERROR_DETAILS_H_
#define MUSTER_COMMON_RPC_ERROR_DETAILS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "muster/v1/error.pb.h"

namespace muster {

// The payload's key in absl::Status, and its type on the wire.
inline constexpr char kErrorDetailsUrl[] = "type.googleapis.com/muster.v1.ErrorDetails";

// Adds one detail to those that `status` has. OK stays OK.
absl::Status WithDetail(const absl::Status& status, absl::string_view reason,
                        absl::string_view field_path, absl::string_view hint);
// Puts `details` in the place of those that `status` has. OK stays OK.
absl::Status WithDetails(const absl::Status& status, const v1::ErrorDetails& details);
// Empty when there are none.
v1::ErrorDetails DetailsOf(const absl::Status& status);

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_ERROR_DETAILS_H_

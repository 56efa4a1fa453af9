#ifndef MUSTER_COMMON_RPC_DEADLINE_H_
#define MUSTER_COMMON_RPC_DEADLINE_H_

#include "absl/time/time.h"
#include "grpc/support/time.h"
#include "grpcpp/client_context.h"

namespace muster {

// `timeout` from now on the monotonic clock: a jump of the wall clock neither ends a call nor lets
// it hang. Infinite for InfiniteDuration().
gpr_timespec DeadlineAfter(absl::Duration timeout);

// Gives a call that much time. Every call of ours has a deadline, streams that follow apart.
void SetTimeout(grpc::ClientContext* context, absl::Duration timeout);

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_DEADLINE_H_

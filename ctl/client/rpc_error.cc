#include "ctl/client/rpc_error.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/error_details.h"
#include "common/rpc/grpc_status.h"
#include "ctl/client/address.h"

namespace muster {
namespace {

// scheduler/rpc/scheduler_seat.h has it too; the word on the wire is the contract.
constexpr char kNotTheSchedulerReason[] = "NOT_THE_SCHEDULER";

}  // namespace

absl::Status FromRpc(const grpc::Status& status, const std::string& address) {
  const absl::Status error = FromGrpcStatus(status);
  if (error.ok() || DetailsOf(error).errors_size() > 0) return error;
  if (error.code() == absl::StatusCode::kDeadlineExceeded) {
    return WithDetail(error, kNoAnswerReason, "",
                      absl::StrCat("the agent at ", address,
                                   " did not answer in time; --timeout gives it longer"));
  }
  if (error.code() != absl::StatusCode::kUnavailable) return error;
  // Words of gRPC's own, which name sockets and subchannels. A server's UNAVAILABLE says more.
  const absl::string_view text = error.message();
  const bool transport =
      absl::StrContains(text, "failed to connect") || absl::StrContains(text, "Socket closed") ||
      absl::StrContains(text, "Connection reset") || absl::StrContains(text, "Broken pipe") ||
      absl::StrContains(text, "GOAWAY") || absl::StrContains(text, "recvmsg");
  return transport ? NoAgentError(address, std::string(text)) : error;
}

std::string SchedulerAddressIn(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kUnavailable) return "";
  const v1::ErrorDetails details = DetailsOf(status);
  for (const v1::ErrorDetail& detail : details.errors()) {
    if (!detail.scheduler_address().empty()) return detail.scheduler_address();
  }
  return "";
}

bool IsNotTheScheduler(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kUnavailable) return false;
  const v1::ErrorDetails details = DetailsOf(status);
  return std::any_of(details.errors().begin(), details.errors().end(),
                     [](const auto& detail) { return detail.reason() == kNotTheSchedulerReason; });
}

}  // namespace muster

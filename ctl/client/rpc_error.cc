#include "ctl/client/rpc_error.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/rpc/credentials.h"
#include "common/rpc/error_details.h"
#include "common/rpc/grpc_status.h"
#include "ctl/client/address.h"

namespace muster {
namespace {

// scheduler/rpc/scheduler_seat.h has it too; the word on the wire is the contract.
constexpr char kNotTheSchedulerReason[] = "NOT_THE_SCHEDULER";

// What gRPC and OpenSSL say of a connection that came up and on which TLS did not. A "tcp
// handshaker" is how gRPC calls one that did not come up.
bool IsTlsFault(absl::string_view text) {
  return absl::StrContains(text, "Tls handshake failed") ||
         absl::StrContains(text, "Ssl handshake failed") ||
         absl::StrContains(text, "SSL_ERROR_SSL") ||
         absl::StrContains(text, "Hostname Verification") ||
         absl::StrContains(text, "No match found for server name");
}

absl::Status NoTlsError(const std::string& address, const std::string& cause) {
  return WithDetail(
      absl::UnavailableError(absl::StrCat("no TLS connection with ", address, " (", cause, ")")),
      kNoTlsReason, "",
      "--tls_ca must be who signed the other side's certificate and --tls_cert of an authority "
      "that it knows; both must be in date, and its certificate must name this address");
}

// The other side has closed a connection that it had taken. With TLS 1.3 a client learns so that
// its certificate was refused: its own half of the handshake was over.
absl::Status ClosedError(const std::string& address, const std::string& cause) {
  return WithDetail(NoAgentError(address, cause), "CLOSED", "",
                    "something listens there: it may want TLS, or refuse this client's "
                    "certificate; see --tls_cert and the log of that agent");
}

absl::Status TransportError(const std::string& address, absl::string_view text) {
  const std::string cause = absl::StrReplaceAll(text, {{"\r", ""}, {"\n", " "}});
  if (IsUnixAddress(address)) return NoAgentError(address, cause);
  if (IsTlsFault(cause)) return NoTlsError(address, cause);
  const bool closed =
      absl::StrContains(cause, "failed to connect") &&
      (absl::StrContains(cause, "Socket closed") || absl::StrContains(cause, "Connection reset"));
  return closed ? ClosedError(address, cause) : NoAgentError(address, cause);
}

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
  return transport ? TransportError(address, text) : error;
}

absl::Status AtScheduler(const absl::Status& status, const std::string& scheduler,
                         const std::string& home) {
  const v1::ErrorDetails details = DetailsOf(status);
  if (scheduler == home || details.errors().empty()) return status;
  const std::string& reason = details.errors(0).reason();
  if (reason == kNoTlsReason) return Annotate(status, "the way to the scheduler");
  if (reason != kNoAgentReason) return status;
  const std::string prefix = absl::StrCat("no agent answers at ", scheduler);
  absl::string_view cause = status.message();
  absl::ConsumePrefix(&cause, prefix);
  v1::ErrorDetails ours;
  ours.add_errors()->set_reason(kNoSchedulerReason);
  ours.mutable_errors(0)->set_hint(
      absl::StrCat("see after the scheduler at ", scheduler,
                   ": 'msagentd' must run there, and this host must reach it"));
  for (int i = 1; i < details.errors_size(); ++i) *ours.add_errors() = details.errors(i);
  return WithDetails(
      absl::Status(status.code(),
                   absl::StrCat("the agent at ", home, " answers, the scheduler that it names, ",
                                scheduler, ", does not", cause)),
      ours);
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

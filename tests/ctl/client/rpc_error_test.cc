#include "ctl/client/rpc_error.h"

#include <string>

#include "absl/strings/match.h"
#include "common/rpc/error_details.h"
#include "ctl/client/address.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

absl::Status FromTransport(const std::string& text, const std::string& address) {
  return FromRpc(grpc::Status(grpc::StatusCode::UNAVAILABLE, text), address);
}

std::string ReasonOf(const absl::Status& status) {
  const v1::ErrorDetails details = DetailsOf(status);
  return details.errors().empty() ? "" : details.errors(0).reason();
}

TEST(RpcErrorTest, NobodyAtAnAddressIsAnAgentToStart) {
  const absl::Status status =
      FromTransport("failed to connect to all addresses; last error: Connection refused", "h:1");
  EXPECT_EQ(ReasonOf(status), kNoAgentReason);
  EXPECT_TRUE(absl::StartsWith(status.message(), "no agent answers at h:1 ("));
}

TEST(RpcErrorTest, AFailedHandshakeIsNotAMissingAgent) {
  const absl::Status status = FromTransport(
      "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.2:7070: Tls handshake "
      "failed: SSL_ERROR_SSL: error:0A000086:SSL routines::certificate verify failed",
      "h:1");
  EXPECT_EQ(ReasonOf(status), kNoTlsReason);
  EXPECT_TRUE(absl::StartsWith(status.message(), "no TLS connection with h:1 ("));
}

TEST(RpcErrorTest, AHostThatIsOffIsNotAFaultOfTls) {
  for (const char* const text :
       {"failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.2:7070: tcp "
        "handshaker shutdown",
        "failed to connect to all addresses; last error: UNKNOWN: Timeout occurred"}) {
    EXPECT_EQ(ReasonOf(FromTransport(text, "h:1")), kNoAgentReason);
  }
}

TEST(RpcErrorTest, WhatTheServerSaysStays) {
  const absl::Status status =
      FromRpc(grpc::Status(grpc::StatusCode::NOT_FOUND, "no job 'x'"), "h:1");
  EXPECT_EQ(status, absl::NotFoundError("no job 'x'"));
}

TEST(RpcErrorTest, ASchedulerThatIsDownIsToldFromTheAgentThatNamesIt) {
  const absl::Status down =
      FromTransport("failed to connect to all addresses; Connection refused", "s:1");
  EXPECT_EQ(AtScheduler(down, "s:1", "s:1"), down) << "it was asked itself";
  const absl::Status told = AtScheduler(down, "s:1", "h:1");
  EXPECT_EQ(ReasonOf(told), kNoSchedulerReason);
  EXPECT_TRUE(absl::StartsWith(
      told.message(), "the agent at h:1 answers, the scheduler that it names, s:1, does not ("))
      << told;
  EXPECT_FALSE(absl::StrContains(DetailsOf(told).errors(0).hint(), "start one with"));
}

TEST(RpcErrorTest, AWordOfTheSchedulersIsNotTouched) {
  const absl::Status word =
      WithDetail(absl::NotFoundError("no job 'x'"), "NO_JOB", "", "list them");
  EXPECT_EQ(AtScheduler(word, "s:1", "h:1"), word);
  EXPECT_TRUE(AtScheduler(absl::OkStatus(), "s:1", "h:1").ok());
}

}  // namespace
}  // namespace muster

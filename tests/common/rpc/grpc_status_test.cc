#include "common/rpc/grpc_status.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/error_details.h"
#include "google/protobuf/any.pb.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(GrpcStatusTest, KeepsCodeAndMessageBothWays) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "job x: why");
    const grpc::Status sent = ToGrpcStatus(status);
    EXPECT_EQ(sent.error_code(), code);
    EXPECT_EQ(FromGrpcStatus(sent), status);
  }
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

TEST(GrpcStatusTest, CarriesDetails) {
  absl::Status status = absl::InvalidArgumentError("2 faults");
  status = WithDetail(status, "NO_COMMAND", "job.command", "give a command");
  status = WithDetail(status, "BAD_COUNT", "job.roles[1].count", "");

  const v1::ErrorDetails details = DetailsOf(FromGrpcStatus(ToGrpcStatus(status)));

  ASSERT_EQ(details.errors_size(), 2);
  EXPECT_EQ(details.errors(0).reason(), "NO_COMMAND");
  EXPECT_EQ(details.errors(0).hint(), "give a command");
  EXPECT_EQ(details.errors(1).field_path(), "job.roles[1].count");
}

// The bytes are what `protoc --decode google.rpc.Status` reads: code, message, details.
TEST(GrpcStatusTest, WritesDetailsAsGoogleRpcStatus) {
  const grpc::Status sent =
      ToGrpcStatus(WithDetail(absl::NotFoundError("no"), "NO_SUCH_JOB", "", ""));
  google::protobuf::Any any;
  any.set_type_url(kErrorDetailsUrl);
  any.set_value(
      DetailsOf(WithDetail(absl::NotFoundError("no"), "NO_SUCH_JOB", "", "")).SerializeAsString());
  const std::string packed = any.SerializeAsString();
  EXPECT_EQ(sent.error_details(),
            absl::StrCat("\x08\x05", "\x12\x02no", "\x1a", std::string(1, packed.size()), packed));
}

TEST(GrpcStatusTest, LeavesOutDetailsThatDoNotFitTheHeaders) {
  absl::Status status = absl::InvalidArgumentError("many faults");
  for (int i = 0; i < 200; ++i) {
    status = WithDetail(status, "BAD_COUNT", absl::StrCat("job.roles[", i, "].count"),
                        std::string(80, 'h'));
  }
  const grpc::Status sent = ToGrpcStatus(status);
  EXPECT_LT(sent.error_details().size(), 4096u);
  const v1::ErrorDetails details = DetailsOf(FromGrpcStatus(sent));
  ASSERT_GT(details.errors_size(), 10);
  EXPECT_EQ(details.errors(0).field_path(), "job.roles[0].count");
}

TEST(GrpcStatusTest, CutsALongMessageBetweenCharacters) {
  std::string message;
  while (message.size() < 5000) message += "ß";
  const grpc::Status sent = ToGrpcStatus(absl::InternalError(absl::StrCat("x", message)));
  EXPECT_LT(sent.error_message().size(), 2100u);
  EXPECT_TRUE(absl::EndsWith(sent.error_message(), "ß…"));
}

TEST(GrpcStatusTest, IgnoresDetailsOfOthers) {
  const grpc::Status sent(grpc::StatusCode::NOT_FOUND, "no", "\x01\xff garbage");
  const absl::Status status = FromGrpcStatus(sent);
  EXPECT_EQ(status, absl::NotFoundError("no"));
}

}  // namespace
}  // namespace muster

#include "common/base/status.h"

#include <cerrno>
#include <string>

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  MUSTER_ASSIGN_OR_RETURN(const int half, Half(value));
  MUSTER_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

absl::Status CheckEven(int value) {
  MUSTER_RETURN_IF_ERROR(Half(value).status());
  return absl::OkStatus();
}

TEST(StatusTest, AnnotatesAnErrorAndKeepsItsCodeAndPayloads) {
  absl::Status status = absl::NotFoundError("no such rank");
  status.SetPayload("muster/error", absl::Cord("payload"));
  const absl::Status annotated = Annotate(status, "job digits");
  EXPECT_EQ(annotated.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(annotated.message(), "job digits: no such rank");
  ASSERT_TRUE(annotated.GetPayload("muster/error").has_value());
  EXPECT_EQ(*annotated.GetPayload("muster/error"), "payload");
}

TEST(StatusTest, LeavesOkAlone) { EXPECT_TRUE(Annotate(absl::OkStatus(), "job").ok()); }

TEST(StatusTest, ChoosesTheCodeByWhatTheCallerShouldDo) {
  const struct {
    int error;
    absl::StatusCode code;
  } kCases[] = {
      {ENOENT, absl::StatusCode::kNotFound},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {EEXIST, absl::StatusCode::kAlreadyExists},
      {EADDRINUSE, absl::StatusCode::kAlreadyExists},
      {ENOSPC, absl::StatusCode::kResourceExhausted},
      {ECONNREFUSED, absl::StatusCode::kUnavailable},
      {ETIMEDOUT, absl::StatusCode::kDeadlineExceeded},
      {EIO, absl::StatusCode::kInternal},
  };
  for (const auto& test : kCases) EXPECT_EQ(ErrnoStatus(test.error, "x").code(), test.code);
}

TEST(StatusTest, SaysWhatFailedAndWhy) {
  EXPECT_EQ(ErrnoStatus(ENOENT, "/run/muster").message(), "/run/muster: No such file or directory");
}

TEST(StatusTest, ReturnsTheFirstErrorFromItsMacros) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
  EXPECT_EQ(Quarter(7).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(CheckEven(2).ok());
  EXPECT_FALSE(CheckEven(3).ok());
}

}  // namespace
}  // namespace muster

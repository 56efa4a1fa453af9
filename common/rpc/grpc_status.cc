#include "common/rpc/grpc_status.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/error_details.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/wire_format_lite.h"

namespace muster {
namespace {

using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedInputStream;
using ::google::protobuf::io::CodedOutputStream;

constexpr size_t kMaxMessageBytes = 2048;
constexpr size_t kMaxDetailBytes = 3072;  // Before base64, within the usual 8 KiB of all headers.

// Field numbers of google.rpc.Status (googleapis, google/rpc/status.proto): int32 code, string
// message, repeated Any details. Written by hand because no Debian package has that file.
constexpr int kRpcStatusCode = 1;
constexpr int kRpcStatusMessage = 2;
constexpr int kRpcStatusDetails = 3;

v1::ErrorDetails CutToFit(v1::ErrorDetails details) {
  while (details.errors_size() > 0 && details.ByteSizeLong() > kMaxDetailBytes) {
    details.mutable_errors()->RemoveLast();
  }
  return details;
}

// Cuts between characters: a broken one would make the status itself invalid.
std::string CutMessage(absl::string_view message) {
  if (message.size() <= kMaxMessageBytes) return std::string(message);
  size_t end = kMaxMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(message.substr(0, end), "…");
}

std::string EncodeRpcStatus(int code, const std::string& message, const v1::ErrorDetails& details) {
  google::protobuf::Any any;
  any.set_type_url(kErrorDetailsUrl);
  any.set_value(details.SerializeAsString());
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  CodedOutputStream out(&stream);
  WireFormatLite::WriteInt32(kRpcStatusCode, code, &out);
  WireFormatLite::WriteString(kRpcStatusMessage, message, &out);
  WireFormatLite::WriteTag(kRpcStatusDetails, WireFormatLite::WIRETYPE_LENGTH_DELIMITED, &out);
  const std::string packed = any.SerializeAsString();
  out.WriteVarint32(static_cast<uint32_t>(packed.size()));
  out.WriteString(packed);
  out.Trim();
  return bytes;
}

// Whether `bytes` is a google.rpc.Status whose details have ours among them.
bool DecodeRpcStatus(const std::string& bytes, v1::ErrorDetails* details) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  while (const uint32_t tag = in.ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) != kRpcStatusDetails) {
      if (!WireFormatLite::SkipField(&in, tag)) return false;
      continue;
    }
    std::string packed;
    google::protobuf::Any any;
    if (!WireFormatLite::ReadBytes(&in, &packed) || !any.ParseFromString(packed)) return false;
    if (any.type_url() == kErrorDetailsUrl) return details->ParseFromString(any.value());
  }
  return false;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message = CutMessage(status.message());
  const v1::ErrorDetails details = CutToFit(DetailsOf(status));
  if (details.errors().empty()) return grpc::Status(code, message);
  return grpc::Status(code, message, EncodeRpcStatus(code, message, details));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const absl::Status plain(static_cast<absl::StatusCode>(status.error_code()),
                           status.error_message());
  v1::ErrorDetails details;
  if (!DecodeRpcStatus(status.error_details(), &details)) return plain;
  return WithDetails(plain, details);
}

}  // namespace muster

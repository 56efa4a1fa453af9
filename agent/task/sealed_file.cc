#include "agent/task/sealed_file.h"

#include <zlib.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

constexpr char kVersion[] = "1";

std::string Checksum(absl::string_view bytes) {
  const uLong crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  return absl::StrCat(absl::Hex(static_cast<uint32_t>(crc), absl::kZeroPad8));
}

}  // namespace

std::string Seal(absl::string_view kind, absl::string_view bytes) {
  return absl::StrCat("muster ", kind, " ", kVersion, " ", Checksum(bytes), " ", bytes.size(), "\n",
                      bytes);
}

absl::StatusOr<std::string> Unseal(absl::string_view kind, absl::string_view sealed) {
  const size_t line_end = sealed.find('\n');
  if (line_end == absl::string_view::npos) return absl::DataLossError("no header line");
  const std::vector<absl::string_view> header = absl::StrSplit(sealed.substr(0, line_end), ' ');
  if (header.size() != 5 || header[0] != "muster" || header[1] != kind) {
    return absl::DataLossError(absl::StrCat("not a file of kind ", kind));
  }
  if (header[2] != kVersion) {
    return absl::DataLossError(
        absl::StrCat("version ", header[2], ", this program reads version ", kVersion));
  }
  const absl::string_view bytes = sealed.substr(line_end + 1);
  uint64_t length;
  if (!absl::SimpleAtoi(header[4], &length) || length != bytes.size()) {
    return absl::DataLossError(absl::StrCat(bytes.size(), " bytes, the header says ", header[4]));
  }
  if (Checksum(bytes) != header[3]) return absl::DataLossError("checksum mismatch");
  return std::string(bytes);
}

}  // namespace muster

#include "agent/shim_protocol.h"

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "agent/device/program_output.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(5);

}  // namespace

ProtocolVersion ShimProtocol(const std::string& path) {
  ProtocolVersion version;
  const absl::StatusOr<std::string> output = ProgramOutput({path, "--version"}, kPatience);
  if (output.ok()) {
    // "msshim VERSION protocol MAJOR.MINOR"
    const std::vector<std::string> words = absl::StrSplit(absl::StripAsciiWhitespace(*output), ' ');
    if (words.size() == 4 && words[0] == "msshim" && ParseProtocol(words[3], &version)) {
      return version;
    }
  }
  LOG(WARNING) << path << " does not tell its version: taken for one of protocol "
               << ToString(version) << ", whose gangs cannot be fenced";
  return version;
}

}  // namespace muster

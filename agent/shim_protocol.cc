#include "agent/shim_protocol.h"

#include <sys/wait.h>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/device/program_output.h"
#include "common/base/status.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr int kRefusesItsArguments = 2;
constexpr size_t kShownOutput = 80;  // Bytes of an answer that makes no sense.

absl::StatusOr<ProtocolVersion> Ask(const std::string& path, absl::Duration patience) {
  MUSTER_ASSIGN_OR_RETURN(const ProgramEnd end, RunProgram({path, "--version"}, patience));
  const int status = end.wait_status;
  ProtocolVersion version;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kRefusesItsArguments) {
    LOG(WARNING) << path << " does not tell its version: it is one of protocol "
                 << ToString(version) << ", whose gangs cannot be fenced";
    return version;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::UnavailableError(
        absl::StrCat(path, WIFSIGNALED(status) ? ": killed by signal " : ": exited with code ",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
  }
  // "msshim VERSION protocol MAJOR.MINOR"
  const std::vector<std::string> words =
      absl::StrSplit(absl::StripAsciiWhitespace(end.output), ' ');
  if (words.size() == 4 && words[0] == "msshim" && ParseProtocol(words[3], &version)) {
    return version;
  }
  return absl::UnavailableError(absl::StrCat(path, ": answers \"",
                                             absl::CHexEscape(end.output.substr(0, kShownOutput)),
                                             "\", which is no version of msshim"));
}

}  // namespace

absl::StatusOr<ProtocolVersion> ShimProtocol(const std::string& path,
                                             const std::vector<absl::Duration>& patience) {
  absl::Status failure = absl::UnavailableError(absl::StrCat(path, ": was not asked"));
  for (const absl::Duration& one : patience) {
    absl::StatusOr<ProtocolVersion> version = Ask(path, one);
    if (version.ok()) return version;
    failure = version.status();
    LOG(WARNING) << "--version: " << failure.message();
  }
  return absl::UnavailableError(absl::StrCat("msshim: its version is not known after ",
                                             patience.size(), " tries: ", failure.message(),
                                             "; mend --shim_path, or start the agent again"));
}

}  // namespace muster

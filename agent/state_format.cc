#include "agent/state_format.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/task/sealed_file.h"
#include "common/base/fs.h"
#include "common/base/protocol.h"
#include "common/base/version.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr char kKind[] = "format";
constexpr size_t kMaxBytes = 4096;

// False: the mark says nothing that can be understood.
bool ReadMark(const std::string& sealed, ProtocolVersion* format, std::string* program) {
  const absl::StatusOr<std::string> mark = Unseal(kKind, sealed);
  if (!mark.ok()) return false;
  const std::pair<std::string, std::string> words = absl::StrSplit(*mark, absl::MaxSplits(' ', 1));
  *program = words.second;
  return ParseProtocol(words.first, format);
}

}  // namespace

absl::Status CheckStateFormat(const std::string& state_dir) {
  const std::string path = JoinPath(state_dir, "format");
  const ProtocolVersion own = OwnProtocol();
  ProtocolVersion format{kProtocolMajor, -1};
  std::string program;
  const absl::StatusOr<std::string> sealed = ReadFile(path, kMaxBytes);
  if (!sealed.ok() && !absl::IsNotFound(sealed.status())) return sealed.status();
  // The mark holds nothing that its files do not say themselves: a damaged one is made again.
  if (sealed.ok() && !ReadMark(*sealed, &format, &program)) {
    LOG(WARNING) << path << ": damaged; written anew";
  }
  if (format.major != own.major) {
    return absl::FailedPreconditionError(absl::StrCat(
        "state directory ", state_dir, ": its format is ", ToString(format),
        ", written by msagentd ", program, "; this msagentd ", kVersion, " works with ", own.major,
        ".x: use that program, or give --state_dir another directory"));
  }
  if (format.minor >= own.minor) return absl::OkStatus();
  return WriteFileDurably(path, Seal(kKind, absl::StrCat(ToString(own), " ", kVersion)));
}

}  // namespace muster

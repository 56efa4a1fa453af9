// Small files that tell damage from content: one header line, then the bytes.
#ifndef MUSTER_AGENT_TASK_SEALED_FILE_H_
#define MUSTER_AGENT_TASK_SEALED_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// "muster KIND 1 CRC32 LENGTH\n" and `bytes`.
std::string Seal(absl::string_view kind, absl::string_view bytes);
// The bytes of a sealed file. DATA_LOSS says what is wrong with it: another kind, a newer version,
// a length or checksum that does not fit.
absl::StatusOr<std::string> Unseal(absl::string_view kind, absl::string_view sealed);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_SEALED_FILE_H_

#ifndef MUSTER_CTL_SPEC_SPEC_LOADER_H_
#define MUSTER_CTL_SPEC_SPEC_LOADER_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "muster/v1/job.pb.h"

namespace muster {

inline constexpr int64_t kMaxJobFileBytes = 1 << 20;
// What standard input is called in errors.
inline constexpr char kStdinName[] = "<stdin>";

struct LoadOptions {
  // What a relative or absent `workdir` is relative to. Empty: the process's current directory.
  std::string current_dir;
};

// Reads a job file; "-" is standard input. The spec is checked, the contract's own rules included,
// and has all defaults filled in; `name` defaults to the file's.
//
// On INVALID_ARGUMENT the message is all that is to be printed, over several lines, every fault
// with its place: "error: job.yaml:5:3: unknown field …" and so on. Other codes (NOT_FOUND, …) say
// in one line why the file could not be read.
absl::StatusOr<v1::JobSpec> LoadJobFile(const std::string& path, const LoadOptions& options = {});

// The same, for the text of a file that is called `file_name` in errors.
absl::StatusOr<v1::JobSpec> LoadJobText(absl::string_view text, const std::string& file_name,
                                        const LoadOptions& options = {});

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_SPEC_LOADER_H_

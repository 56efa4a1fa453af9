// Files, with errors that name the path. Blocking: never from a loop thread where `durable` is
// said.
#ifndef MUSTER_COMMON_BASE_FS_H_
#define MUSTER_COMMON_BASE_FS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// The whole file. RESOURCE_EXHAUSTED when it is larger than `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes = 64 << 20);
// Replaces the file, in one step for readers; not durable. `mode` is taken as it is: no umask.
absl::Status WriteFile(const std::string& path, absl::string_view bytes, mode_t mode = 0600);
// As WriteFile, and on disk (file and directory entry) when it returns OK. DATA_LOSS: an fsync
// failed.
absl::Status WriteFileDurably(const std::string& path, absl::string_view bytes, mode_t mode = 0600);
// Makes `path` and its parents; existing ones are fine.
absl::Status MakeDirs(const std::string& path, mode_t mode = 0700);
// fsync of a directory: its entries are on disk. DATA_LOSS: it failed.
absl::Status SyncDir(const std::string& path);
// Names in a directory, sorted, without "." and "..".
absl::StatusOr<std::vector<std::string>> ListDir(const std::string& path);
// Removes a file or a whole tree, without following links; absent is fine.
absl::Status RemoveTree(const std::string& path);
bool PathExists(const std::string& path);
// "a/b" from "a" and "b"; an absolute `name` replaces `dir`.
std::string JoinPath(absl::string_view dir, absl::string_view name);
std::string DirName(absl::string_view path);
std::string BaseName(absl::string_view path);

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_FS_H_

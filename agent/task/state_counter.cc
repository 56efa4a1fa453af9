#include "agent/task/state_counter.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/task/sealed_file.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

constexpr char kKind[] = "counter";

// Over what is there. Needs no room, and is written whole: it lies within one sector.
absl::Status Overwrite(const std::string& path, const std::string& bytes, bool durable) {
  UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  if (pwrite(fd.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return ErrnoStatus(errno, absl::StrCat("write ", path));
  }
  if (!durable || fdatasync(fd.get()) == 0) return absl::OkStatus();
  return absl::DataLossError(ErrnoStatus(errno, absl::StrCat("fsync ", path)).message());
}

}  // namespace

absl::StatusOr<int64_t> ReadCounter(const std::string& path) {
  const absl::StatusOr<std::string> sealed = ReadFile(path);
  if (absl::IsNotFound(sealed.status())) return 0;
  if (!sealed.ok()) return sealed.status();
  const absl::StatusOr<std::string> bytes = Unseal(kKind, *sealed);
  if (!bytes.ok()) return Annotate(bytes.status(), path);
  int64_t value;
  if (!absl::SimpleAtoi(*bytes, &value)) {
    return absl::DataLossError(absl::StrCat(path, ": not a number"));
  }
  return value;
}

absl::Status WriteCounter(const std::string& path, int64_t value, bool durable) {
  const std::string sealed = Seal(kKind, absl::StrCat(value));
  const absl::Status replaced = durable ? WriteFileDurably(path, sealed) : WriteFile(path, sealed);
  if (!absl::IsResourceExhausted(replaced) || !PathExists(path)) return replaced;
  // The disk is full. An agent that could not count its start could not come back, and its ranks
  // would have nobody.
  return Overwrite(path, sealed, durable);
}

absl::Status CounterFile::Save(int64_t value) {
  if (value <= saved_) return absl::OkStatus();
  MUSTER_RETURN_IF_ERROR(WriteCounter(path_, value, durable_));
  saved_ = value;
  return absl::OkStatus();
}

}  // namespace muster

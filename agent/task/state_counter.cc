#include "agent/task/state_counter.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "agent/task/sealed_file.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr char kKind[] = "counter";

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
  return durable ? WriteFileDurably(path, sealed) : WriteFile(path, sealed);
}

}  // namespace muster

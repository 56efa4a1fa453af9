#include "agent/task/node_lease.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/task/sealed_file.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr size_t kMaxBytes = 256;
constexpr char kKind[] = "lease";

bool ParseLease(const std::string& text, NodeLease* lease) {
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
  int64_t until_ns = 0;
  int64_t grace_ms = 0;
  if (words.size() != 3 || !absl::SimpleAtoi(words[0], &lease->epoch) ||
      !absl::SimpleAtoi(words[1], &until_ns) || !absl::SimpleAtoi(words[2], &grace_ms)) {
    return false;
  }
  lease->until = until_ns == 0 ? absl::InfiniteDuration() : absl::Nanoseconds(until_ns);
  lease->grace = absl::Milliseconds(grace_ms);
  return true;
}

// Over what is there, which needs no room. Who finds it half done takes it for damaged.
absl::Status Overwrite(const std::string& path, const std::string& bytes) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  const auto size = static_cast<ssize_t>(bytes.size());
  if (pwrite(fd.get(), bytes.data(), bytes.size(), 0) == size && ftruncate(fd.get(), size) == 0) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, absl::StrCat("write ", path));
}

}  // namespace

int64_t LeaseEndNs(absl::Duration until) {
  return until == absl::InfiniteDuration() ? 0 : absl::ToInt64Nanoseconds(until);
}

std::optional<NodeLease> ReadLease(const std::string& path) {
  if (!PathExists(path)) return std::nullopt;
  NodeLease lease;
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxBytes);
  if (text.ok()) {
    const absl::StatusOr<std::string> words = Unseal(kKind, *text);
    if (words.ok() && ParseLease(*words, &lease)) return lease;
    // Of a version that did not seal it: the last word says that it is whole.
    absl::string_view plain = *text;
    if (absl::ConsumeSuffix(&plain, " end\n") && ParseLease(std::string(plain), &lease)) {
      return lease;
    }
  }
  LOG(ERROR) << path << ": damaged; taken for a lease that has run out";
  return NodeLease();
}

absl::Status WriteLease(const std::string& path, const NodeLease& lease) {
  const std::string fresh = absl::StrCat(path, ".new");
  const std::string sealed = Seal(kKind, absl::StrCat(lease.epoch, " ", LeaseEndNs(lease.until),
                                                      " ", absl::ToInt64Milliseconds(lease.grace)));
  const absl::Status written = WriteFile(fresh, sealed);
  // The disk is full. An agent that came back to an older lease would end all gangs of this host.
  if (absl::IsResourceExhausted(written)) return Overwrite(path, sealed);
  if (!written.ok()) return written;
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace muster

#include "common/base/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>

namespace muster {
namespace {

constexpr rlim_t kMost = 1 << 20;

std::atomic<uint64_t> at_birth{0};

}  // namespace

void RaiseOpenFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min(limit.rlim_max, kMost);
  const rlim_t before = limit.rlim_cur;
  if (wanted <= before) return;
  limit.rlim_cur = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && at_birth == 0) at_birth = before;
}

uint64_t OpenFilesAtBirth() { return at_birth; }

bool SetOpenFiles(uint64_t soft) {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || soft > limit.rlim_max) return false;
  limit.rlim_cur = soft;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

}  // namespace muster

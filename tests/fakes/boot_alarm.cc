#include "tests/fakes/boot_alarm.h"

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"

namespace muster {

int BootAlarm() {
  const absl::StatusOr<std::vector<std::string>> fds = ListDir("/proc/self/fdinfo");
  if (!fds.ok()) return -1;
  int least = -1;
  for (const std::string& fd : *fds) {
    const absl::StatusOr<std::string> info = ReadFile(absl::StrCat("/proc/self/fdinfo/", fd));
    if (!info.ok() || !absl::StrContains(*info, "clockid: 7\n")) continue;
    const size_t at = info->find("it_value: (");
    long long seconds = 0;
    long long ns = 0;
    if (at == std::string::npos ||
        std::sscanf(info->c_str() + at, "it_value: (%lld, %lld)", &seconds, &ns) != 2) {
      continue;
    }
    const bool set = seconds > 0 || ns > 0;
    if (set && (least < 0 || seconds < least)) least = static_cast<int>(seconds);
  }
  return least;
}

}  // namespace muster

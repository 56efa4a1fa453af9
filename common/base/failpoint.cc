#include "common/base/failpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#ifndef MUSTER_NO_FAILPOINTS
namespace muster {
namespace {

struct Armed {
  const char* name = nullptr;
  size_t length = 0;
  std::atomic<int> passes_left{1};
  int linger_ms = 0;

  Armed() {
    name = getenv("MUSTER_FAILPOINT");
    if (name == nullptr) return;
    const char* colon = strchr(name, ':');
    length = colon != nullptr ? static_cast<size_t>(colon - name) : strlen(name);
    if (colon == nullptr) return;
    passes_left = atoi(colon + 1);
    const char* const second = strchr(colon + 1, ':');
    if (second != nullptr) linger_ms = atoi(second + 1);
  }
};

}  // namespace

void Failpoint(const char* name) {
  static Armed armed;
  if (armed.name == nullptr) return;
  if (strlen(name) != armed.length || strncmp(name, armed.name, armed.length) != 0) return;
  if (armed.passes_left.fetch_sub(1) != 1) return;
  usleep(static_cast<useconds_t>(armed.linger_ms) * 1000);
  kill(getpid(), SIGKILL);
}

bool Planted(const char* bug) {
  static const char* const planted = getenv("MUSTER_PLANT");
  const size_t length = strlen(bug);
  for (const char* at = planted; at != nullptr && *at != '\0';) {
    const size_t word = strcspn(at, ",");
    if (word == length && strncmp(at, bug, length) == 0) return true;
    at += word + (at[word] == ',' ? 1 : 0);
  }
  return false;
}

}  // namespace muster
#endif

#include "ctl/frontend/torchrun/master_port.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "agent/device/ports.h"
#include "ctl/frontend/torchrun/sockets.h"

namespace muster {
namespace {

// How far above the rendezvous's port one is looked for.
constexpr int kRange = 100;

}  // namespace

absl::StatusOr<int> MasterPort(const RendezvousSettings& rendezvous, bool given, int round) {
  if (rendezvous.single()) {
    const bool own = rendezvous.is_static && rendezvous.port > 0;
    if (own && round == 1 && PortIsFree(rendezvous.port)) return rendezvous.port;
    if (own && round == 1 && given) {
      return absl::FailedPreconditionError(
          absl::StrCat("--master_port ", rendezvous.port,
                       ": somebody listens there already; choose another one, or leave it out"));
    }
    return AnyFreePort();
  }
  for (int i = 0; i < kRange; ++i) {
    const int port = rendezvous.port + 1 + (round - 1 + i) % kRange;
    if (port <= 65535 && PortIsFree(port)) return port;
  }
  return AnyFreePort();
}

}  // namespace muster

#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_MASTER_PORT_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_MASTER_PORT_H_

#include "absl/status/statusor.h"
#include "ctl/frontend/torchrun/rendezvous_settings.h"

namespace muster {

// MASTER_PORT for one start of a job, free on this host now. `given`: the user named the port of
// the rendezvous.
//
// A job of one host: the rendezvous's own port for the first start, as with torchrun. A job of
// several: the launchers meet at that port and stay there, so rank 0 gets the next free one above
// it, where a firewall that was opened for a range lets it through. A restart gets a new one: the
// old may linger.
absl::StatusOr<int> MasterPort(const RendezvousSettings& rendezvous, bool given, int round);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_MASTER_PORT_H_

#ifndef MUSTER_AGENT_DEVICE_LEDGER_H_
#define MUSTER_AGENT_DEVICE_LEDGER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "muster/v1/node.pb.h"
#include "muster/v1/placement.pb.h"

namespace muster {

// Who holds which device and which port of this host. The last word on both: the scheduler plans,
// the ledger grants. A grant is a lease until it is committed. Lives on the agent's loop; not
// thread-safe.
class Ledger {
 public:
  using Holder = std::pair<std::string, int>;  // Job id and attempt.

  struct Options {
    // Ports that may be given out. Those in the kernel's ephemeral range are left out, for any
    // connection may take them, unless that leaves fewer than 1000.
    int first_port = 20000;
    int last_port = 31999;
    // Whether nobody uses `port` now. Default: tries to bind it.
    std::function<bool(int port)> port_is_free;
    // The same of a port that a job insists on, which may still rest after its last use.
    std::function<bool(int port)> fixed_port_is_free;
    // Where the kernel says what its ephemeral range is. Empty, or not there: it has none.
    std::string ephemeral_range_file = "/proc/sys/net/ipv4/ip_local_port_range";
  };

  // `clock` must outlive this object.
  Ledger(const Options& options, std::vector<v1::Device> devices, const Clock* clock);

  // Holds `devices`, a free port for each of `ports` (counts per rank) and the very `fixed_ports`
  // until `ttl` passes, all or nothing; returns the free ports, one list per rank. The same holder
  // again gets the same answer and, until it commits, a new ttl. RESOURCE_EXHAUSTED names each
  // device and fixed port that is taken and who has it, or how many ports are short.
  // INVALID_ARGUMENT: a device is named twice, a count is negative, or there is no such port.
  absl::StatusOr<std::vector<std::vector<uint32_t>>> Reserve(
      const Holder& holder, const std::vector<v1::DeviceId>& devices, const std::vector<int>& ports,
      absl::Duration ttl, const std::vector<uint32_t>& fixed_ports = {});
  // Turns the lease into a hold until Release(); may be repeated. FAILED_PRECONDITION: it has
  // lapsed.
  absl::Status Commit(const Holder& holder);
  // Takes a hold without asking, for gangs that were found running at the agent's start.
  void Adopt(const Holder& holder, const std::vector<v1::DeviceId>& devices,
             const std::vector<uint32_t>& ports);
  // Unknown holders are fine.
  void Release(const Holder& holder);
  // Ends all that is not committed.
  void ReleaseLeases();

  // Replaces what the probe has found; holds stay.
  void SetDevices(std::vector<v1::Device> devices);
  const std::vector<v1::Device>& devices() const { return devices_; }
  // Devices that nobody holds and that are healthy.
  std::vector<v1::DeviceId> FreeDevices();

 private:
  struct Hold {
    std::vector<v1::DeviceId> devices;
    std::vector<std::vector<uint32_t>> ports;
    std::vector<uint32_t> fixed_ports;
    absl::Duration expires;  // InfiniteDuration() once committed.
  };

  void DropLapsed();
  absl::Status CheckDevices(const Holder& holder, const std::vector<v1::DeviceId>& devices) const;
  absl::Status CheckFixedPorts(const std::vector<uint32_t>& ports) const;
  // The holder of the device, or null.
  const Holder* FindHolder(const v1::DeviceId& device) const;
  const Holder* FindHolder(uint32_t port) const;
  // None of `fixed` is among them.
  absl::StatusOr<std::vector<int>> FindPorts(int count, const std::vector<uint32_t>& fixed);

  Options options_;
  std::vector<v1::Device> devices_;
  const Clock* const clock_;
  std::map<Holder, Hold> holds_;
  int next_port_;  // The search goes round, so that a port rests before it is given out again.
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_LEDGER_H_

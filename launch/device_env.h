#ifndef MUSTER_LAUNCH_DEVICE_ENV_H_
#define MUSTER_LAUNCH_DEVICE_ENV_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "launch/contract.h"

namespace muster {

// What a rank is told about its devices.
struct DeviceEnv {
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> env_defaults;
  std::vector<std::string> notes;
};

// The variable by which the vendor's runtime takes the list of devices that a process may see;
// empty for kinds without one.
absl::string_view VisibleListVariable(absl::string_view kind);

// The device variables of one rank. Every rank of a gang on one host sees the same list, the host's
// share of the gang, and finds its own devices by index (MUSTER_RANK_DEVICES); only with `visible:
// rank` does it see its own alone. A host without devices of the gang: nothing is set.
//
// `env` is the rank's environment so far. A list in it (`CUDA_VISIBLE_DEVICES=0,1`) is the user's:
// devices that are not on it are taken away, none is added, and the order stays the gang's, so that
// indices keep their meaning. INVALID_ARGUMENT: such a list cannot be read, or nothing is left of
// it.
absl::StatusOr<DeviceEnv> ShowDevices(const LaunchContext& context,
                                      const std::map<std::string, std::string>& env);

}  // namespace muster

#endif  // MUSTER_LAUNCH_DEVICE_ENV_H_

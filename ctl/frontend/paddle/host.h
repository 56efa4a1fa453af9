// What the launcher asks its host: address, devices, interpreter. Blocking; at the start only.
#ifndef MUSTER_CTL_FRONTEND_PADDLE_HOST_H_
#define MUSTER_CTL_FRONTEND_PADDLE_HOST_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/frontend/paddle/devices.h"

namespace muster {

// This host's address as Python's gethostbyname(getfqdn()) finds it; 127.0.0.1 where it has none.
std::string OwnAddress();
// Whether `name`, an IPv4 address or a host's name, means this host.
bool IsOwnAddress(const std::string& name);
// The address by which this host is seen from `name`; "" when there is no way to it.
std::string AddressTowards(const std::string& name);
bool IsLoopbackIp(const std::string& address);

// FindPaddleDevices() with the probes of this host.
absl::StatusOr<PaddleDevices> DevicesHere(const std::map<std::string, std::string>& env);

// PADDLE_LAUNCH_PYTHON, else python3 of PATH; absolute where it can be found.
std::string PythonOf(const std::map<std::string, std::string>& env);

// A path below the temporary directory that does not exist.
absl::StatusOr<std::string> FreshPath(const std::map<std::string, std::string>& env);

// Six random lower-case letters.
std::string RandomPodName();

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_HOST_H_

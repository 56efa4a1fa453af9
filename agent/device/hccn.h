// Addresses of Ascend devices on the network between devices (device_ip of a rank table).
#ifndef MUSTER_AGENT_DEVICE_HCCN_H_
#define MUSTER_AGENT_DEVICE_HCCN_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster {

struct HccnOptions {
  std::string tool = "hccn_tool";             // Looked up in PATH.
  std::string root;                           // Where /etc is; "" is this host.
  absl::Duration timeout = absl::Seconds(5);  // Of each call of the tool.
};

// By device number, from lines `address_N=ADDRESS` of /etc/hccn.conf; other lines are passed over.
std::map<int, std::string> ParseHccnConf(absl::string_view text);

// The address in the answer of `hccn_tool -i N -ip -g` ("ipaddr:192.168.100.101"), or "".
std::string ParseHccnTool(absl::string_view output);

// Finds addresses out: from /etc/hccn.conf, and those that are not there from hccn_tool. What the
// tool has said is kept, and once it has failed it is not asked again. Not thread-safe.
class DeviceAddresses {
 public:
  explicit DeviceAddresses(const HccnOptions& options) : options_(options) {}

  // Of `numbers`, as far as they are known. Blocking.
  std::map<int, std::string> Read(const std::vector<int>& numbers);

 private:
  const HccnOptions options_;
  std::map<int, std::string> said_;  // By hccn_tool; "" where it knows none.
  bool ask_ = true;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_HCCN_H_

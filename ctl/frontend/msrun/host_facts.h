#ifndef MUSTER_CTL_FRONTEND_MSRUN_HOST_FACTS_H_
#define MUSTER_CTL_FRONTEND_MSRUN_HOST_FACTS_H_

#include <map>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "ctl/frontend/msrun/bind_core.h"

namespace muster {

// What msrun's plan must know of the host that it runs on.
struct MsrunHost {
  std::string master_ip;            // --master_addr, resolved.
  std::string source_ip;            // The address from which this host reaches it.
  std::set<std::string> addresses;  // Of all interfaces, as text.
  std::string hostname;
  CpuTopology cpus;                        // Only with --bind_core.
  std::map<std::string, std::string> env;  // The caller's.
};

// The IPv4 address of `name`. The error has the original's words.
absl::StatusOr<std::string> ResolveMaster(const std::string& name);
// The address from which this host reaches `ip`: asks the kernel's routes, sends nothing.
absl::StatusOr<std::string> SourceAddress(const std::string& ip);
std::set<std::string> InterfaceAddresses();
std::string HostName();
// `devices`: asks for the places of Ascend devices too, which a dry run does not use.
CpuTopology ReadCpuTopology(const std::map<std::string, std::string>& env, bool devices);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_HOST_FACTS_H_

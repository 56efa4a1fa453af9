#include "ctl/frontend/msrun/host_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "agent/device/ascend_probe.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

constexpr char kCpuSet[] = "/sys/fs/cgroup/cpuset/cpuset.cpus";
constexpr char kNodes[] = "/sys/devices/system/node";

std::vector<int> AffinityCpus() {
  std::vector<int> cpus;
  union {
    cpu_set_t set;
    char bytes[1024];
  } mask;
  if (sched_getaffinity(0, sizeof(mask), &mask.set) != 0) return cpus;
  for (size_t cpu = 0; cpu < sizeof(mask) * 8; ++cpu) {
    if (CPU_ISSET_S(cpu, sizeof(mask), &mask.set)) cpus.push_back(static_cast<int>(cpu));
  }
  return cpus;
}

std::vector<int> CpuListIn(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return {};
  return ParseCpuList(*text).value_or(std::vector<int>());
}

// NUMA nodes of this host's Ascend devices, and which of them the workers see.
void AddDevices(const std::map<std::string, std::string>& env, CpuTopology* topology) {
  const absl::StatusOr<std::vector<v1::Device>> devices =
      AscendProbe(AscendProbe::Options()).Probe();
  if (!devices.ok() || devices->empty()) return;
  for (const v1::Device& device : *devices) {
    topology->device_nodes[device.physical()] = device.numa_node();
  }
  const auto visible = env.find("ASCEND_RT_VISIBLE_DEVICES");
  if (visible == env.end()) return;
  for (const absl::string_view part : absl::StrSplit(visible->second, ',', absl::SkipEmpty())) {
    int device = 0;
    if (absl::SimpleAtoi(part, &device)) topology->visible_devices.push_back(device);
  }
  std::sort(topology->visible_devices.begin(), topology->visible_devices.end());
}

}  // namespace

absl::StatusOr<std::string> ResolveMaster(const std::string& name) {
  in_addr address;
  if (inet_pton(AF_INET, name.c_str(), &address) == 1) return name;
  if (name.empty()) return std::string("0.0.0.0");  // As gethostbyname("") of Python.
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(name.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return absl::NotFoundError(absl::StrCat(
        "RuntimeError: DNS resolution failed: [Errno ", error, "] ", gai_strerror(error),
        ". Please check whether a correct host name is input by "
        "'--master_address'."));
  }
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr, text,
            sizeof(text));
  freeaddrinfo(found);
  return std::string(text);
}

absl::StatusOr<std::string> SourceAddress(const std::string& ip) {
  const auto failed = [](int error) {
    return absl::UnavailableError(absl::StrCat(
        "RuntimeError: Get local ip failed: [Errno ", error, "] ", strerror(error),
        ". Please check whether an accessible address is input by '--master_address'."));
  };
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(1);  // Of no meaning: a connect of UDP only looks for a route.
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  if (!fd.valid() ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return failed(errno);
  }
  socklen_t size = sizeof(address);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return failed(errno);
  }
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text));
  return std::string(text);
}

std::set<std::string> InterfaceAddresses() {
  std::set<std::string> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* item = list; item != nullptr; item = item->ifa_next) {
    if (item->ifa_addr == nullptr || item->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(item->ifa_addr)->sin_addr, text,
              sizeof(text));
    addresses.insert(text);
  }
  freeifaddrs(list);
  return addresses;
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

CpuTopology ReadCpuTopology(const std::map<std::string, std::string>& env, bool devices) {
  CpuTopology topology;
  // The container's CPUs where cgroup v1 says them, as the original reads them; else our own.
  topology.cpus = CpuListIn(kCpuSet);
  if (topology.cpus.empty()) topology.cpus = AffinityCpus();
  const std::set<int> usable(topology.cpus.begin(), topology.cpus.end());
  const absl::StatusOr<std::vector<std::string>> names = ListDir(kNodes);
  for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
    absl::string_view number = name;
    int node = 0;
    if (!absl::ConsumePrefix(&number, "node") || !absl::SimpleAtoi(number, &node)) continue;
    for (const int cpu : CpuListIn(absl::StrCat(kNodes, "/", name, "/cpulist"))) {
      if (usable.count(cpu) > 0) topology.node_cpus[node].push_back(cpu);
    }
  }
  if (devices) AddDevices(env, &topology);
  return topology;
}

}  // namespace muster

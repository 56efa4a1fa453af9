#include "ctl/frontend/paddle/host.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <memory>
#include <optional>

#include "absl/random/random.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/device/device_probe.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/engine/spawn.h"
#include "ctl/frontend/engine/temp_dir.h"

namespace muster {
namespace {

std::optional<in_addr> Resolve(const std::string& name, std::string* canonical = nullptr) {
  addrinfo hints = {};
  hints.ai_family = AF_INET;
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  if (canonical != nullptr && found->ai_canonname != nullptr) *canonical = found->ai_canonname;
  return reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr;
}

std::string Text(const in_addr& address) {
  char text[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &address, text, sizeof(text));
  return text;
}

sockaddr_in SocketAddress(const in_addr& address, int port) {
  sockaddr_in full = {};
  full.sin_family = AF_INET;
  full.sin_addr = address;
  full.sin_port = htons(static_cast<uint16_t>(port));
  return full;
}

}  // namespace

std::string OwnAddress() {
  char name[HOST_NAME_MAX + 1] = "";
  gethostname(name, sizeof(name) - 1);
  std::string canonical = name;
  Resolve(name, &canonical);
  const std::optional<in_addr> address = Resolve(canonical);
  return address.has_value() ? Text(*address) : "127.0.0.1";
}

bool IsOwnAddress(const std::string& name) {
  const std::optional<in_addr> address = Resolve(name);
  if (!address.has_value()) return false;
  // Only an own address can be bound.
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in own = SocketAddress(*address, 0);
  return bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0;
}

std::string AddressTowards(const std::string& name) {
  const std::optional<in_addr> address = Resolve(name);
  if (!address.has_value()) return "";
  // Connecting a datagram socket sends nothing: the kernel only looks up the route.
  const UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in there = SocketAddress(*address, 9);
  sockaddr_in here = {};
  socklen_t size = sizeof(here);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0) return "";
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&here), &size) != 0) return "";
  return Text(here.sin_addr);
}

bool IsLoopbackIp(const std::string& address) {
  return absl::StartsWith(address, "127.") || address == "localhost";
}

absl::StatusOr<PaddleDevices> DevicesHere(const std::map<std::string, std::string>& env) {
  return FindPaddleDevices(env, []() -> absl::StatusOr<std::vector<v1::Device>> {
    MUSTER_ASSIGN_OR_RETURN(const std::unique_ptr<DeviceProbe> probe, MakeDeviceProbe(""));
    return probe->Probe();
  });
}

std::string PythonOf(const std::map<std::string, std::string>& env) {
  const auto given = env.find("PADDLE_LAUNCH_PYTHON");
  const std::string name = given == env.end() || given->second.empty() ? "python3" : given->second;
  const absl::StatusOr<std::string> path = FindProgram(name, env);
  return path.ok() ? *path : name;
}

absl::StatusOr<std::string> FreshPath(const std::map<std::string, std::string>& env) {
  std::string path = JoinPath(TempDir(env), "paddle-gloo-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return ErrnoStatus(errno, absl::StrCat("a temporary directory like ", path));
  }
  rmdir(path.c_str());  // Gloo makes it.
  return path;
}

std::string RandomPodName() {
  absl::BitGen random;
  std::string name;
  for (int i = 0; i < 6; ++i) name += static_cast<char>('a' + absl::Uniform(random, 0, 26));
  return name;
}

}  // namespace muster

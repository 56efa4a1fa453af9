#include "agent/device/ledger.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/device/ports.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr int kEnoughPorts = 1000;
constexpr uint32_t kMaxPort = 65535;

bool Same(const v1::DeviceId& a, const v1::DeviceId& b) {
  return a.kind() == b.kind() && a.physical() == b.physical();
}

std::string Name(const v1::DeviceId& device) {
  return absl::StrCat(device.kind(), " ", device.physical());
}

std::string Name(const Ledger::Holder& holder) {
  return absl::StrCat("job ", holder.first, " attempt ", holder.second);
}

}  // namespace

Ledger::Ledger(const Options& options, std::vector<v1::Device> devices, const Clock* clock)
    : options_(options), devices_(std::move(devices)), clock_(clock) {
  if (!options_.port_is_free) options_.port_is_free = PortIsFree;
  if (!options_.fixed_port_is_free) options_.fixed_port_is_free = NobodyListens;
  const auto ephemeral = ReadFile(options_.ephemeral_range_file);
  const PortRange range = OutsideEphemeral({options_.first_port, options_.last_port},
                                           ephemeral.ok() ? *ephemeral : "", kEnoughPorts);
  options_.first_port = range.first;
  options_.last_port = range.last;
  next_port_ = range.first;
}

absl::StatusOr<std::vector<std::vector<uint32_t>>> Ledger::Reserve(
    const Holder& holder, const std::vector<v1::DeviceId>& devices, const std::vector<int>& ports,
    absl::Duration ttl, const std::vector<uint32_t>& fixed_ports) {
  DropLapsed();
  const absl::Duration expires = clock_->Boot() + ttl;
  const auto held = holds_.find(holder);
  if (held != holds_.end()) {
    if (held->second.expires != absl::InfiniteDuration()) held->second.expires = expires;
    return held->second.ports;
  }
  MUSTER_RETURN_IF_ERROR(CheckDevices(holder, devices));
  MUSTER_RETURN_IF_ERROR(CheckFixedPorts(fixed_ports));
  int port_count = 0;
  for (const int count : ports) {
    if (count < 0) return absl::InvalidArgumentError(absl::StrCat(count, " ports for one rank"));
    port_count += count;
  }
  MUSTER_ASSIGN_OR_RETURN(const std::vector<int> found, FindPorts(port_count, fixed_ports));
  Hold hold;
  hold.devices = devices;
  hold.fixed_ports = fixed_ports;
  hold.expires = expires;
  auto next = found.begin();
  for (const int count : ports) {
    hold.ports.emplace_back(next, next + count);
    next += count;
  }
  return holds_.emplace(holder, std::move(hold)).first->second.ports;
}

absl::Status Ledger::Commit(const Holder& holder) {
  DropLapsed();
  const auto held = holds_.find(holder);
  if (held == holds_.end()) {
    return absl::FailedPreconditionError(absl::StrCat(
        Name(holder), ": its reservation has lapsed, or there was none; reserve again"));
  }
  held->second.expires = absl::InfiniteDuration();
  return absl::OkStatus();
}

void Ledger::Adopt(const Holder& holder, const std::vector<v1::DeviceId>& devices,
                   const std::vector<uint32_t>& ports) {
  Hold hold;
  hold.devices = devices;
  hold.ports.push_back(ports);
  hold.expires = absl::InfiniteDuration();
  holds_[holder] = std::move(hold);
}

void Ledger::Release(const Holder& holder) { holds_.erase(holder); }

void Ledger::ReleaseLeases() {
  for (auto it = holds_.begin(); it != holds_.end();) {
    it = it->second.expires == absl::InfiniteDuration() ? std::next(it) : holds_.erase(it);
  }
}

void Ledger::SetDevices(std::vector<v1::Device> devices) { devices_ = std::move(devices); }

std::vector<v1::DeviceId> Ledger::FreeDevices() {
  DropLapsed();
  std::vector<v1::DeviceId> free;
  for (const v1::Device& device : devices_) {
    v1::DeviceId id;
    id.set_kind(device.kind());
    id.set_physical(device.physical());
    if (device.healthy() && FindHolder(id) == nullptr) free.push_back(std::move(id));
  }
  return free;
}

void Ledger::DropLapsed() {
  const absl::Duration now = clock_->Boot();
  for (auto it = holds_.begin(); it != holds_.end();) {
    if (it->second.expires > now) {
      ++it;
      continue;
    }
    LOG(INFO) << "job=" << it->first.first << " attempt=" << it->first.second
              << " reservation lapsed devices=" << it->second.devices.size();
    it = holds_.erase(it);
  }
}

absl::Status Ledger::CheckDevices(const Holder& holder,
                                  const std::vector<v1::DeviceId>& devices) const {
  std::vector<std::string> refusals;
  for (auto it = devices.begin(); it != devices.end(); ++it) {
    const auto same = [it](const v1::DeviceId& other) { return Same(*it, other); };
    if (std::any_of(devices.begin(), it, same)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Name(holder), ": ", Name(*it), " named twice"));
    }
    const auto known =
        std::find_if(devices_.begin(), devices_.end(), [it](const v1::Device& device) {
          return device.kind() == it->kind() && device.physical() == it->physical();
        });
    if (known == devices_.end()) {
      refusals.push_back(absl::StrCat(Name(*it), " is not on this host"));
    } else if (const Holder* other = FindHolder(*it)) {
      refusals.push_back(absl::StrCat(Name(*it), " is held by ", Name(*other)));
    } else if (!known->healthy()) {
      refusals.push_back(absl::StrCat(Name(*it), " is unhealthy (", known->health_reason(), ")"));
    }
  }
  if (refusals.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrJoin(refusals, ", "));
}

const Ledger::Holder* Ledger::FindHolder(const v1::DeviceId& device) const {
  for (const auto& [holder, hold] : holds_) {
    for (const v1::DeviceId& held : hold.devices) {
      if (Same(held, device)) return &holder;
    }
  }
  return nullptr;
}

absl::Status Ledger::CheckFixedPorts(const std::vector<uint32_t>& ports) const {
  std::vector<std::string> refusals;
  for (const uint32_t port : ports) {
    if (port == 0 || port > kMaxPort) {
      return absl::InvalidArgumentError(absl::StrCat("there is no port ", port));
    }
    if (const Holder* other = FindHolder(port)) {
      refusals.push_back(absl::StrCat("port ", port, " is held by ", Name(*other)));
    } else if (!options_.fixed_port_is_free(static_cast<int>(port))) {
      refusals.push_back(absl::StrCat("port ", port, " is in use by a process of no job"));
    }
  }
  if (refusals.empty()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrJoin(refusals, ", "));
}

const Ledger::Holder* Ledger::FindHolder(uint32_t port) const {
  for (const auto& [holder, hold] : holds_) {
    const auto has = [port](const std::vector<uint32_t>& ports) {
      return std::find(ports.begin(), ports.end(), port) != ports.end();
    };
    if (has(hold.fixed_ports) || std::any_of(hold.ports.begin(), hold.ports.end(), has)) {
      return &holder;
    }
  }
  return nullptr;
}

absl::StatusOr<std::vector<int>> Ledger::FindPorts(int count, const std::vector<uint32_t>& fixed) {
  std::set<uint32_t> held(fixed.begin(), fixed.end());
  for (const auto& [holder, hold] : holds_) {
    held.insert(hold.fixed_ports.begin(), hold.fixed_ports.end());
    for (const auto& ports : hold.ports) held.insert(ports.begin(), ports.end());
  }
  const int size = std::max(options_.last_port - options_.first_port + 1, 0);
  std::vector<int> found;
  int port = next_port_;
  for (int tried = 0; tried < size && static_cast<int>(found.size()) < count; ++tried) {
    if (held.count(static_cast<uint32_t>(port)) == 0 && options_.port_is_free(port)) {
      found.push_back(port);
    }
    port = port < options_.last_port ? port + 1 : options_.first_port;
  }
  if (static_cast<int>(found.size()) < count) {
    return absl::ResourceExhaustedError(
        absl::StrCat("ports ", options_.first_port, "-", options_.last_port, ": ", count,
                     " wanted, ", found.size(), " free, ", held.size(), " held by other jobs"));
  }
  next_port_ = port;
  return found;
}

}  // namespace muster

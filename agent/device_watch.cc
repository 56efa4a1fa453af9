#include "agent/device_watch.h"

#include <string>
#include <thread>
#include <utility>

#include "agent/device/health.h"
#include "glog/logging.h"

namespace muster {

DeviceWatch::DeviceWatch(std::unique_ptr<DeviceProbe> probe, std::vector<v1::Device> known,
                         absl::Duration interval, EventLoop* loop, OnChange on_change)
    : probe_(std::move(probe)),
      known_(std::move(known)),
      interval_(interval),
      loop_(loop),
      on_change_(std::move(on_change)) {
  Wait();
}

DeviceWatch::~DeviceWatch() {
  *alive_ = false;
  loop_->Cancel(timer_);
}

void DeviceWatch::Wait() {
  timer_ = loop_->After(interval_, [this] { Begin(); });
}

void DeviceWatch::Begin() {
  std::thread([this, probe = probe_, loop = loop_, alive = alive_] {
    loop->Post([this, alive, probed = probe->Probe()] {
      if (*alive) Take(probed);
    });
  }).detach();
}

void DeviceWatch::Take(const absl::StatusOr<std::vector<v1::Device>>& probed) {
  Wait();
  if (!probed.ok()) {
    if (!std::exchange(failed_, true)) LOG(WARNING) << "device probe: " << probed.status();
    return;  // What is known stays known.
  }
  failed_ = false;
  ProbeOutcome outcome = CompareProbes(known_, *probed);
  if (outcome.changes.empty()) return;
  for (const std::string& change : outcome.changes) LOG(INFO) << change;
  known_ = std::move(outcome.devices);
  on_change_(known_);
}

}  // namespace muster

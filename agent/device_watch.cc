#include "agent/device_watch.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>

#include "agent/device/health.h"
#include "glog/logging.h"

namespace muster {

namespace {

constexpr std::chrono::seconds kPatience(2);  // With a probe at the agent's end.

}  // namespace

struct DeviceWatch::Probing {
  explicit Probing(std::unique_ptr<DeviceProbe> device_probe) : probe(std::move(device_probe)) {}

  const std::unique_ptr<DeviceProbe> probe;  // The thread's, while it runs.
  std::mutex mutex;
  std::condition_variable changed;
  bool running = false;  // Under `mutex`.
};

DeviceWatch::DeviceWatch(std::unique_ptr<DeviceProbe> probe, std::vector<v1::Device> known,
                         absl::Duration interval, EventLoop* loop, OnChange on_change)
    : probing_(std::make_shared<Probing>(std::move(probe))),
      known_(std::move(known)),
      interval_(interval),
      loop_(loop),
      on_change_(std::move(on_change)) {
  Wait();
}

DeviceWatch::~DeviceWatch() {
  *alive_ = false;
  loop_->Cancel(timer_);
  if (!thread_.joinable()) return;
  std::unique_lock<std::mutex> lock(probing_->mutex);
  if (probing_->changed.wait_for(lock, kPatience, [this] { return !probing_->running; })) {
    lock.unlock();
    thread_.join();
  } else {
    LOG(WARNING) << "device probe: hangs, and is left behind";
    thread_.detach();
  }
}

void DeviceWatch::Wait() {
  timer_ = loop_->After(interval_, [this] { Begin(); });
}

void DeviceWatch::Begin() {
  probing_->running = true;  // No thread runs: the last one has told its result.
  thread_ = std::thread([this, probing = probing_, loop = loop_, alive = alive_] {
    absl::StatusOr<std::vector<v1::Device>> probed = probing->probe->Probe();
    loop->Post([this, alive, probed = std::move(probed)] {
      if (*alive) Take(probed);
    });
    const std::lock_guard<std::mutex> lock(probing->mutex);
    probing->running = false;
    probing->changed.notify_all();
  });
}

void DeviceWatch::Take(const absl::StatusOr<std::vector<v1::Device>>& probed) {
  thread_.join();  // It has nothing left to do.
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

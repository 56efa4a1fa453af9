#ifndef MUSTER_AGENT_DEVICE_WATCH_H_
#define MUSTER_AGENT_DEVICE_WATCH_H_

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/device/device_probe.h"
#include "common/base/event_loop.h"
#include "muster/v1/node.pb.h"

namespace muster {

// Probes the host's devices again and again, and tells when one came, went, failed or healed. A
// probe may block for seconds, so each runs on a thread of its own, one at a time. The destructor
// waits for it, but not for ever: a driver may hang. Lives on the loop.
class DeviceWatch {
 public:
  using OnChange = std::function<void(const std::vector<v1::Device>& devices)>;

  // `known` are the devices at the start; `loop` must outlive this object and, where a driver
  // hangs, its last probe.
  DeviceWatch(std::unique_ptr<DeviceProbe> probe, std::vector<v1::Device> known,
              absl::Duration interval, EventLoop* loop, OnChange on_change);
  ~DeviceWatch();

 private:
  // What the thread that probes shares with us; a hanging one keeps it.
  struct Probing;

  void Wait();
  void Begin();
  void Take(const absl::StatusOr<std::vector<v1::Device>>& probed);

  const std::shared_ptr<Probing> probing_;
  std::thread thread_;  // Of the present probe, or the last one.
  std::vector<v1::Device> known_;
  const absl::Duration interval_;
  EventLoop* const loop_;
  const OnChange on_change_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool failed_ = false;  // The last probe; told once.
  EventLoop::TimerId timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_AGENT_DEVICE_WATCH_H_

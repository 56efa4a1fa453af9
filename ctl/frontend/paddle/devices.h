#ifndef MUSTER_CTL_FRONTEND_PADDLE_DEVICES_H_
#define MUSTER_CTL_FRONTEND_PADDLE_DEVICES_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "muster/v1/node.pb.h"

namespace muster {

// What Paddle's launcher calls the devices of a host. Labels are what the visible list names; what
// a process is told is a position in that list.
struct PaddleDevices {
  std::string type = "cpu";         // "gpu", "xpu", "npu", "mlu", "ipu", "custom_device", "cpu".
  std::vector<std::string> labels;  // Empty: none.
  std::string xccl_backend;         // Set for a custom device.

  // Of FLAGS_selected_<…>: "gpus". Empty: no device.
  std::string flag() const;
};

// The first of these that says something: PADDLE_XCCL_BACKEND with its visible list,
// XPULINK_VISIBLE_DEVICES, XPU_…, CUDA_…, ASCEND_…, MLU_…; a list that is absent or "all", or no
// list at all: `probe`, which returns what the host has.
absl::StatusOr<PaddleDevices> FindPaddleDevices(
    const std::map<std::string, std::string>& env,
    const std::function<absl::StatusOr<std::vector<v1::Device>>()>& probe);

// Positions of `chosen` labels in the visible list; empty: all. INVALID_ARGUMENT names the label
// that is not there.
absl::StatusOr<std::vector<std::string>> SelectPaddleDevices(
    const PaddleDevices& devices, const std::vector<std::string>& chosen);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_DEVICES_H_

#ifndef MUSTER_CTL_FRONTEND_PADDLE_GPU_LOG_H_
#define MUSTER_CTL_FRONTEND_PADDLE_GPU_LOG_H_

#include <optional>

#include "ctl/frontend/engine/process_spec.h"
#include "ctl/frontend/paddle/pod.h"

namespace muster {

// The helper that writes `<job id>.gpu.log`: what nvidia-smi says of the GPUs, every 5 s, up to
// 64 MiB. Absent where there is no GPU, where nvidia-smi is not in PATH, or by --enable_gpu_log.
std::optional<ProcessSpec> GpuLogProcess(const PodSettings& settings);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_GPU_LOG_H_

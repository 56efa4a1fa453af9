#include "ctl/frontend/paddle/gpu_log.h"

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "ctl/frontend/engine/spawn.h"

namespace muster {
namespace {

// The limit is in blocks of 512 bytes; whoever writes on is ended by SIGXFSZ. Headers are Paddle's,
// which are not quite nvidia-smi's.
constexpr char kScript[] = R"(ulimit -f 131072
q() { nvidia-smi --format=csv,noheader,nounits "$@"; }
echo index,uuid,driver_version,name,gpu_serial,display_active,display_mode
q --query-gpu=index,uuid,driver_version,name,serial,display_active,display_mode
echo pid,process_name,gpu_uuid,gpu_name,used_memory
q --query-compute-apps=pid,process_name,gpu_uuid,gpu_name,used_memory
echo index,utilization_gpu,memory_total,memory_used,memory_free,timestamp
q -l 5 --query-gpu=index,utilization.gpu,memory.total,memory.used,memory.free,timestamp
)";

}  // namespace

std::optional<ProcessSpec> GpuLogProcess(const PodSettings& settings) {
  const bool wanted = settings.flags.enable_gpu_log && !settings.flags.legacy;
  if (!wanted || settings.devices.type != "gpu" || settings.devices.labels.empty()) {
    return std::nullopt;
  }
  if (!FindProgram("nvidia-smi", settings.env).ok()) return std::nullopt;
  ProcessSpec spec;
  spec.name = "GPU log";
  spec.argv = {"/bin/sh", "-c", kScript};
  spec.env = settings.env;
  spec.out_path = spec.err_path =
      JoinPath(settings.log_dir, absl::StrCat(settings.flags.job_id, ".gpu.log"));
  return spec;
}

}  // namespace muster

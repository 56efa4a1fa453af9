// Which contract runs on which kind of device: the support matrices of the product documents, as
// one table. MindSpore: "startup methods", table of platforms (GPU, Ascend, CPU), and the r2.1 page
// for rank tables. Paddle: the page of paddle.distributed.launch, `--devices` and its examples.
#ifndef MUSTER_LAUNCH_DEVICE_SUPPORT_H_
#define MUSTER_LAUNCH_DEVICE_SUPPORT_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "muster/v1/job.pb.h"

namespace muster {

// Whether ranks of `contract` (in `mode`, where that matters) run on devices of `kind`; "cpu" means
// without any. Kinds that an operator named are one column. A contract without a row is not
// limited.
bool SupportsDevice(absl::string_view contract, absl::string_view mode, absl::string_view kind);

// INVALID_ARGUMENT when one of the kinds that `spec` asks for, or its having none, is excluded:
// with the reason, and what to use.
absl::Status CheckDeviceSupport(const v1::JobSpec& spec);

}  // namespace muster

#endif  // MUSTER_LAUNCH_DEVICE_SUPPORT_H_

#ifndef MUSTER_LAUNCH_SAMPLE_PLACEMENT_H_
#define MUSTER_LAUNCH_SAMPLE_PLACEMENT_H_

#include "absl/status/statusor.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/placement.pb.h"

namespace muster {

// Places `spec`, defaults filled in, on `num_nodes` pretend hosts (0: its least number), with as
// many devices as it asks for: node-0 at 127.0.0.1, node-1 at 127.0.0.2, …; devices from 0 and
// ports from 20000 on each; Ascend's device 0 of node-1 has the address 192.168.1.1. For `msctl
// render` and tests. NOT_FOUND: no such contract.
absl::StatusOr<v1::Placement> SamplePlacement(const v1::JobSpec& spec, int num_nodes = 0);

}  // namespace muster

#endif  // MUSTER_LAUNCH_SAMPLE_PLACEMENT_H_

// What a StartGangRequest says, to those who carry it out.
#ifndef MUSTER_AGENT_TASK_START_REQUEST_H_
#define MUSTER_AGENT_TASK_START_REQUEST_H_

#include "absl/status/status.h"
#include "agent/task/cgroup.h"
#include "muster/v1/agent_service.pb.h"

namespace muster {

// INVALID_ARGUMENT when `request` lacks, or contradicts itself in, what everything else stands on:
// the node rank, the ranks and their roles, their devices, the workdir.
absl::Status CheckStart(const v1::StartGangRequest& request);
// This host's part of the placement of a request that was checked.
const v1::NodePlacement& HostOf(const v1::StartGangRequest& request);
// The limits that act on all ranks of the gang together.
CgroupLimits CgroupLimitsOf(const v1::JobSpec& spec);
// Whether a failed rank may start again alone, within the attempt.
bool RestartsRanks(const v1::JobSpec& spec);
// Whether it is stopped when the node's lease runs out.
bool KeepsFence(const v1::JobSpec& spec);
// Whether the first failing rank takes the others with it.
bool StopsGang(const v1::JobSpec& spec);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_START_REQUEST_H_

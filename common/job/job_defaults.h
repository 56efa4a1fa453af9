#ifndef MUSTER_COMMON_JOB_JOB_DEFAULTS_H_
#define MUSTER_COMMON_JOB_JOB_DEFAULTS_H_

#include "google/protobuf/repeated_field.h"
#include "muster/v1/job.pb.h"

namespace muster {

// Fills in every default that job.proto documents. Idempotent. Afterwards
//  - `roles` has at least one entry (`worker` where the spec had none), each with `count` or
//    `per_node` set and with its `devices_per_rank` where it has devices; `ranks_per_node` is 0;
//  - `nodes`, `on_failure`, `success`, `restart`, `bind`, `timeouts.start`, `timeouts.stop_grace`,
//    `timeouts.elastic`,
//    `logs.segment_size`, `logs.max_size` and `logs.full` are set.
// Absent stay: limits (inherited from the agent), `logs.keep` (the agent's), `timeouts.queue` and
// `timeouts.run` (none), `mode` (the contract's own).
void FillJobDefaults(v1::JobSpec* spec);

// restart.max_host_restarts where the job does not say.
int DefaultHostRestarts(int max_restarts);

// The program of a role's ranks: its own command, else the job's.
const google::protobuf::RepeatedPtrField<std::string>& CommandOf(const v1::JobSpec& spec,
                                                                 const v1::RoleSpec& role);
// Devices of each of a role's ranks: its own, else the job's; without any, count is 0.
const v1::DeviceRequest& DevicesOf(const v1::JobSpec& spec, const v1::RoleSpec& role);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_JOB_DEFAULTS_H_

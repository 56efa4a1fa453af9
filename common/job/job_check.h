#ifndef MUSTER_COMMON_JOB_JOB_CHECK_H_
#define MUSTER_COMMON_JOB_JOB_CHECK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/job/fault_list.h"
#include "muster/v1/error.pb.h"
#include "muster/v1/job.pb.h"

namespace muster {

// Bounds of one job.
inline constexpr int kMaxNodes = 4096;
inline constexpr int kMaxRanks = 65536;
inline constexpr int kMaxRanksPerNode = 1024;
inline constexpr int kMaxRoles = 64;
inline constexpr int kMaxCommandBytes = 1 << 20;
inline constexpr int kMaxEnvBytes = 1 << 20;

// All faults of a spec at once; empty: it is sound. Takes specs with and without their defaults,
// and trusts nothing in them. Used by the client for good errors and by the scheduler for safety;
// what the contract asks on top is LaunchContract::Check().
std::vector<JobFault> FindJobFaults(const v1::JobSpec& spec);

// The same, for the details of an API error. `hint` is what to do about it.
std::vector<v1::ErrorDetail> CheckJob(const v1::JobSpec& spec);

// INVALID_ARGUMENT with the first fault's message and the number of further ones, or OK.
absl::Status CheckJobStatus(const v1::JobSpec& spec);

// INVALID_ARGUMENT when one of the hosts of a complete spec has no rank of any role. On its own,
// for a contract may add the role that a host has ranks of.
absl::Status CheckEveryHostHasRanks(const v1::JobSpec& spec);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_JOB_CHECK_H_

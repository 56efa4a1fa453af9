#ifndef MUSTER_LAUNCH_MINDSPORE_CHECK_H_
#define MUSTER_LAUNCH_MINDSPORE_CHECK_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "muster/v1/job.pb.h"

namespace muster {

inline constexpr char kSchedulerRole[] = "scheduler";
inline constexpr char kServerRole[] = "server";

// What the contract `mindspore` cannot run, as LaunchContract::Check() words it.
absl::Status CheckMindSpore(const v1::JobSpec& spec);

// Whether the job is a dry run, which has no cluster and no scheduler.
bool IsSimulation(const v1::JobSpec& spec);

// The only rank that a dry run simulates, where it is not all of them.
std::optional<int> SimulatedRank(const v1::JobSpec& spec);

// A file name for workers that {ip} and {hostname} are still in.
absl::Status CheckWorkerLogName(absl::string_view name);

}  // namespace muster

#endif  // MUSTER_LAUNCH_MINDSPORE_CHECK_H_

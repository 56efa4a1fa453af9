// How many hosts an elastic gang (nodes.min < nodes.max) starts with, and when a running one
// changes its size. Decides only; times are on Clock::Boot().
#ifndef MUSTER_SCHEDULER_CORE_ELASTIC_H_
#define MUSTER_SCHEDULER_CORE_ELASTIC_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "muster/v1/job.pb.h"

namespace muster {

// How long a gang that has lost hosts waits for others, where fewer fit than it had: hosts that
// went together are known to be gone by then (a silent one is SUSPECT after as long), and one that
// has come back meanwhile is in. Waiting longer would cost every loss what a later growth costs
// only where a host does come back.
inline constexpr absl::Duration kLastCall = absl::Seconds(3);

// One job's wait for more hosts than the least. Outlives its places in the queue, so that a host
// that refuses does not begin it anew.
struct StartWait {
  // Hosts of the last attempt that may be there again; 0: the gang starts anew.
  int had = 0;
  // Since when nodes.min fit.
  std::optional<absl::Duration> since;
};

// A pass over the queue has found room for `hosts` hosts; 0: not for nodes.min. Returns until when
// the gang waits for more; nullopt: it starts now, or cannot.
//
// It starts at once with nodes.max hosts, or with as many as it had; after kLastCall where fewer
// are left of a gang that ran; else, and when there were too few in between, timeouts.elastic after
// nodes.min first fit.
std::optional<absl::Duration> WaitsForMore(const v1::JobSpec& spec, int hosts, absl::Duration now,
                                           StartWait* wait);

// How long it waits at most, from `wait.since` on.
absl::Duration StartWaitLimit(const v1::JobSpec& spec, const StartWait& wait);

// "3 of 2:4 hosts are ready; waits until 10:59:09 UTC or for 1 more".
std::string DescribeWait(const v1::NodeRange& nodes, int hosts, absl::Time until);

// One running gang's wait for its growth.
struct GrowthWait {
  // When its attempt began, or an operator changed its range: then the past does not count.
  absl::Duration not_before = absl::ZeroDuration();
  // Since when it could be larger.
  std::optional<absl::Duration> since;
};

// A gang runs on `hosts` hosts and could have `possible`, its own and what is free. Returns when it
// is to be stopped to go on with another number; nullopt: not as things stand.
//
// At once when it has too many, or too few and the least are there. It grows to nodes.max when
// these are there, to fewer when they have been there for timeouts.elastic; neither before
// `wait->not_before`.
std::optional<absl::Duration> ResizeTime(const v1::JobSpec& spec, int hosts, int possible,
                                         absl::Duration now, GrowthWait* wait);

bool IsElastic(const v1::JobSpec& spec);
// timeouts.elastic; of a job that was stored without it, the default.
absl::Duration ElasticTimeout(const v1::JobSpec& spec);
// "4", or "2:4".
std::string RangeText(const v1::NodeRange& nodes);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_ELASTIC_H_

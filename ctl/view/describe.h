#ifndef MUSTER_CTL_VIEW_DESCRIBE_H_
#define MUSTER_CTL_VIEW_DESCRIBE_H_

#include <string>

#include "absl/time/time.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/node.pb.h"

namespace muster {

// All that users ask about one job: what it is, what it waits for, each attempt with its ranks and
// the first cause of its end.
std::string DescribeJob(const v1::Job& job, absl::Time now);

// One host: its state, devices, and who holds them.
std::string DescribeNode(const v1::Node& node, absl::Time now);

// The ranks of one attempt as a table.
std::string RankTable(const v1::Attempt& attempt, absl::Time now);

// "4 x nvidia", or "-".
std::string DeviceCounts(const v1::Node& node, bool held_only);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_DESCRIBE_H_

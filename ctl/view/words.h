// How Muster's values read: states, times, sizes, ends of ranks.
#ifndef MUSTER_CTL_VIEW_WORDS_H_
#define MUSTER_CTL_VIEW_WORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/node.pb.h"
#include "muster/v1/task.pb.h"

namespace muster {

// "running" for JOB_STATE_RUNNING.
std::string StateWord(v1::JobState state);
std::string StateWord(v1::RankState state);
std::string StateWord(v1::NodeState state);
// "host" for FAULT_CLASS_HOST; "" for UNSPECIFIED.
std::string FaultWord(v1::FaultClass fault);

absl::Time ToTime(const google::protobuf::Timestamp& time);

// "0.4s", "42s", "4m12s", "3h07m", "12d4h": two units at most.
std::string AgeText(absl::Duration age);
// Of a timestamp as of `now`; "" when it is not set.
std::string AgeSince(const google::protobuf::Timestamp& time, absl::Time now);

// "exit 3", "SIGKILL", "out of memory (SIGKILL)", "not started", "unknown"; "" while it runs.
std::string ExitWord(const v1::RankStatus& rank);

// "12.0 GiB".
std::string BytesText(int64_t bytes);

// "1 rank", "8 ranks".
std::string Count(int64_t number, absl::string_view noun);

// "1-3,7" for 1,2,3,7.
std::string RangesText(const std::vector<int>& sorted);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_WORDS_H_

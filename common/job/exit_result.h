// How a rank ended, and which of many ends was the cause.
#ifndef MUSTER_COMMON_JOB_EXIT_RESULT_H_
#define MUSTER_COMMON_JOB_EXIT_RESULT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_field.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/task.pb.h"

namespace muster {

v1::ExitResult ExitedWith(int code);
v1::ExitResult KilledBy(int signal);
v1::ExitResult NotStarted(absl::string_view why);
v1::ExitResult UnknownExit(absl::string_view why);

// It exited 0.
bool Succeeded(const v1::ExitResult& exit);

// As a shell shows it: the code, 128 + signal; for a rank that never ran 126 when its program was
// found and could not be executed, else 127. An exit that nobody saw is 1: it must not pass for
// success.
int ShellExitCode(const v1::ExitResult& exit);

// One clause: "exited with code 3", "exited with code 1: RuntimeError: boom", "killed by SIGKILL, out of memory", "cannot start
// 'foo': No such file or directory".
std::string DescribeExit(const v1::ExitResult& exit);

// "SIGKILL" for 9; "signal 200" for numbers without a name.
std::string SignalName(int signal);

// The rank that failed first, or nullptr when none is to blame. Ranks that Muster stopped are never
// the cause. Ends on one host are ordered by its boot-time clock; between hosts, by wall time.
const v1::RankStatus* FindFirstFailure(
    const google::protobuf::RepeatedPtrField<v1::RankStatus>& ranks);

// The whole verdict on `rank`, one of `ranks`. Fallout are all other ranks that did not end well.
v1::FirstCause MakeFirstCause(const v1::RankStatus& rank,
                              const google::protobuf::RepeatedPtrField<v1::RankStatus>& ranks);

// "rank 2", or "server 0" for a rank of a role other than `worker`.
std::string RankLabel(absl::string_view role, int rank);

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_EXIT_RESULT_H_

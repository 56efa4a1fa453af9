#ifndef MUSTER_CTL_CLIENT_LOG_SELECTION_H_
#define MUSTER_CTL_CLIENT_LOG_SELECTION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ctl/client/cursor_book.h"
#include "muster/v1/job.pb.h"

namespace muster {

// Inclusive ends.
struct RankRange {
  int first = 0;
  int last = 0;
};

// "0-3,7" or "all" (no ranges). INVALID_ARGUMENT otherwise.
absl::StatusOr<std::vector<RankRange>> ParseRanks(absl::string_view text);

// Which output of a job is wanted.
struct LogSelection {
  std::vector<RankRange> ranks;  // Empty: all.
  std::string role;              // Empty: with `ranks` the worker role, else all roles.
  bool want_stdout = true;
  bool want_stderr = true;
  bool follow = true;
  int tail_lines = 0;
};

// The role that `selection` means in a job of these roles: its own; with ranks "worker" or the only
// one; "" for all. NOT_FOUND or INVALID_ARGUMENT lists the roles there are.
absl::StatusOr<std::string> RoleOf(const LogSelection& selection, const v1::JobSpec& spec);

// The ranks of one host that are wanted. `role` as from RoleOf().
std::vector<CursorBook::Rank> SelectRanks(const LogSelection& selection, const std::string& role,
                                          const v1::NodePlacement& node);

// NOT_FOUND names the first wanted rank that `placement` does not have.
absl::Status CheckRanksExist(const LogSelection& selection, const std::string& role,
                             const v1::Placement& placement);

// Whether `job` no longer says where this earlier attempt ran, so that its output cannot be found.
// Of a job that starts again and again only the first attempt and the latest are on record.
bool IsLeftOut(const v1::Job& job, int attempt);

// NOT_FOUND: the job has no such attempt, or it is left out.
absl::Status CheckAttemptExists(const v1::Job& job, int attempt);

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_LOG_SELECTION_H_

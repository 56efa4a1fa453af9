#ifndef MUSTER_CTL_CLIENT_LAST_JOB_H_
#define MUSTER_CTL_CLIENT_LAST_JOB_H_

#include <string>

#include "absl/status/status.h"
#include "ctl/client/address.h"

namespace muster {

// Remembers the job that was last submitted to each address, so that `msctl logs` means it. A file
// below $XDG_STATE_HOME/muster, or ~/.local/state/muster.
class LastJob {
 public:
  explicit LastJob(const EnvLookup& env);

  // Best effort: a home that cannot be written is no reason to fail a submit.
  void Remember(const std::string& address, const std::string& job_id) const;
  // "" when none is known.
  std::string Recall(const std::string& address) const;

 private:
  std::string path_;  // Empty: there is no home to keep it in.
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_LAST_JOB_H_

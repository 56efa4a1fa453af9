// How a user goes on with a job that runs without this client.
#ifndef MUSTER_CTL_CLIENT_COMEBACK_H_
#define MUSTER_CTL_CLIENT_COMEBACK_H_

#include <string>

#include "absl/status/status.h"

namespace muster {

// "job x goes on: 'msctl logs -f x' comes back to it, 'msctl wait x' waits for its end".
std::string ComebackHint(const std::string& job_id);

// The error that ends a command which followed `job_id`. Where contact with the agent was lost its
// hint becomes ComebackHint(): the job outlives client and agent alike. Others stay as they are.
absl::Status LostUnder(const std::string& job_id, const absl::Status& status);

// The same for a submit whose answer never came, so that the job has no name here.
absl::Status LostUnderSubmit(const absl::Status& status);

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_COMEBACK_H_

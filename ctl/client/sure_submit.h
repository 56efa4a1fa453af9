#ifndef MUSTER_CTL_CLIENT_SURE_SUBMIT_H_
#define MUSTER_CTL_CLIENT_SURE_SUBMIT_H_

#include "absl/status/statusor.h"
#include "ctl/client/api_client.h"

namespace muster {

// Submits, and asks again for some seconds when a reply was lost or nobody answered: the request id
// makes it the same job. Blocks.
absl::StatusOr<v1::Job> SubmitSurely(ApiClient* api, const v1::SubmitJobRequest& request);

// The same for a change of a job's hosts: the request id makes it happen once.
absl::StatusOr<v1::Job> ScaleSurely(ApiClient* api, const v1::ScaleJobRequest& request);

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_SURE_SUBMIT_H_

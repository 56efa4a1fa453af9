#ifndef MUSTER_CTL_CLIENT_API_CLIENT_H_
#define MUSTER_CTL_CLIENT_API_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "muster/v1/job_service.pb.h"
#include "muster/v1/node_service.pb.h"

namespace muster {

// The API as blocking calls, for verbs that ask once and print. Errors carry ErrorDetails; one
// that never reached an agent says so. An agent that is not the scheduler says who is, and the call
// goes there. While nobody is, or the one who was is gone, a call is repeated for some seconds of
// its time: each may be, by its request id or by what it asks. Not thread-safe.
class ApiClient {
 public:
  // UNAVAILABLE at once when nobody listens on a Unix socket. `timeout` is each call's.
  static absl::StatusOr<std::unique_ptr<ApiClient>> Connect(const std::string& address,
                                                            const SecurityOptions& security,
                                                            absl::Duration timeout);
  ~ApiClient();

  absl::StatusOr<v1::Job> SubmitJob(const v1::SubmitJobRequest& request);
  absl::StatusOr<v1::Job> GetJob(const std::string& job_id);
  absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request);
  absl::StatusOr<v1::Job> CancelJob(const std::string& job_id, const std::string& reason);
  absl::StatusOr<v1::Job> ScaleJob(const v1::ScaleJobRequest& request);
  // DEADLINE_EXCEEDED when the job is not final after `wait`.
  absl::StatusOr<v1::Job> WaitJob(const std::string& job_id, absl::Duration wait);
  absl::StatusOr<v1::ListNodesResponse> ListNodes();
  absl::StatusOr<v1::Node> CordonNode(const v1::CordonNodeRequest& request);
  absl::StatusOr<v1::Node> UncordonNode(const v1::UncordonNodeRequest& request);
  absl::StatusOr<v1::Node> DrainNode(const v1::DrainNodeRequest& request);

 private:
  struct Stubs;
  ApiClient(std::string address, const SecurityOptions& security, absl::Duration timeout,
            std::unique_ptr<Stubs> stubs);
  absl::Status GoTo(const std::string& address);
  template <typename Method, typename Request, typename Response>
  absl::Status Call(Method method, const Request& request, Response* response,
                    absl::Duration timeout);
  // `away`: no scheduler was found, another try may find one.
  template <typename Method, typename Request, typename Response>
  absl::Status CallOnce(Method method, const Request& request, Response* response,
                        absl::Duration timeout, bool* away);

  const std::string home_;  // The agent that is asked first.
  std::string address_;     // Of the scheduler, once an agent has said it.
  const SecurityOptions security_;
  const absl::Duration timeout_;
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace muster

#endif  // MUSTER_CTL_CLIENT_API_CLIENT_H_

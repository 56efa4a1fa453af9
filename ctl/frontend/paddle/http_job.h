#ifndef MUSTER_CTL_FRONTEND_PADDLE_HTTP_JOB_H_
#define MUSTER_CTL_FRONTEND_PADDLE_HTTP_JOB_H_

#include <functional>
#include <memory>
#include <string>

#include "ctl/frontend/paddle/http_master.h"
#include "ctl/frontend/paddle/job_mode.h"
#include "ctl/frontend/paddle/peer_watch.h"
#include "ctl/frontend/paddle/running_job.h"

namespace muster {

// A job of several nodes that meet at an http master, once. A node that fails stops the others, as
// far as their launchers are ours too.
class HttpJob : public RunningPaddleJob {
 public:
  // `master` was opened.
  HttpJob(const PaddleJobParts& parts, PaddleMode mode, std::unique_ptr<HttpMaster> master);

  void Start() override;
  void Leave(int exit_code, const std::string& what, std::function<void()> done) override;

 private:
  void OnNodes(const PaddleNodes& nodes);
  // The nodes that came make no job. A node that serves stays until the others have read so, too.
  void Refuse(const absl::Status& why);
  void Watch(int peers, std::function<void(const PeerFailure& failure)> on_failure);
  void OnPodEnd(const PodEnd& end);
  void OnPeerFailure(const PeerFailure& failure);
  // Tells the others, stops what runs, and ends.
  void End(int exit_code, const std::string& what);

  const PaddleJobParts parts_;
  const PaddleMode mode_;
  const std::unique_ptr<HttpMaster> master_;
  std::unique_ptr<PeerWatch> watch_;  // Once all nodes have come.
  bool ending_ = false;               // The others know, or are being told.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_HTTP_JOB_H_

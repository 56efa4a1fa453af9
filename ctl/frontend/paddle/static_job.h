#ifndef MUSTER_CTL_FRONTEND_PADDLE_STATIC_JOB_H_
#define MUSTER_CTL_FRONTEND_PADDLE_STATIC_JOB_H_

#include <functional>
#include <string>

#include "ctl/frontend/paddle/running_job.h"

namespace muster {

// A pod that needs no other node: a job of one host, or one whose endpoints were all given.
class StaticJob : public RunningPaddleJob {
 public:
  StaticJob(const PaddleJobParts& parts, PodPlan plan);

  void Start() override;
  void Leave(int exit_code, const std::string& what, std::function<void()> done) override;

 private:
  void Stop(int exit_code);

  const PaddleJobParts parts_;
  const PodPlan plan_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_STATIC_JOB_H_

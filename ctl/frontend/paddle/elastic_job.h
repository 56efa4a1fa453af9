#ifndef MUSTER_CTL_FRONTEND_PADDLE_ELASTIC_JOB_H_
#define MUSTER_CTL_FRONTEND_PADDLE_ELASTIC_JOB_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"
#include "ctl/frontend/paddle/elastic_members.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/paddle/running_job.h"

namespace muster {

// A collective job whose nodes meet in etcd, again and again: whenever one comes, goes or fails,
// the others stop their processes, count themselves, and start the next generation with new
// endpoints. Keys and values are Paddle's, so that real and drop-in launchers can form one job;
// besides, a failed node leaves its exit code at "/muster/<job id>/failed".
//
//   waiting ── enough nodes ──> meeting ── all have written ──> running
//      ^ ^── a change ─────────────┘                            │   ^
//      │                                   a change of members  v   │ others have completed
//      │                                                       looking
//      └── restarts are left ── stopping <── a failure ───────────┘
class ElasticJob : public RunningPaddleJob {
 public:
  ElasticJob(const PaddleJobParts& parts, std::unique_ptr<Etcd> etcd);
  ~ElasticJob() override;

  void Start() override;
  void Leave(int exit_code, const std::string& what, std::function<void()> done) override;

 private:
  enum class State { kWaiting, kMeeting, kRunning, kLooking, kStopping, kEnding };

  void OnMembers();
  void Wait();
  void WaitedEnough();
  void Report();

  void Meet(int size);
  void WriteOwn();
  void ReadNodes();
  void AgainSoon();
  void Run(const absl::StatusOr<PaddleNodes>& nodes);

  void OnPodEnd(const PodEnd& end);
  void AfterOwnFailure(const PodEnd& end);
  void OnPeerChange();
  void GoOn();
  void AfterPeerChange(int exit_code, const std::string& what);
  void NextGeneration(int exit_code);

  void PutStatus(const char* status, std::function<void()> done);
  void End(int exit_code);
  void CancelTimers();
  std::string Present() const;
  const PaddleFlags& flags() const { return parts_.settings->flags; }

  const PaddleJobParts parts_;
  const std::unique_ptr<Etcd> etcd_;
  ElasticMembers members_;  // After etcd_, which it uses.
  const std::string info_prefix_;
  const std::string status_key_;
  const std::string failure_key_;

  State state_ = State::kWaiting;
  bool waiting_ = false;  // For the generation that comes; has been said.
  int waited_count_ = 0;  // Nodes when the wait was last begun anew.
  int size_ = 0;          // Of the generation.
  int runs_ = 0;
  PaddleNode own_;
  std::optional<PodEnd> ended_meanwhile_;  // While looking.
  int64_t began_revision_ = 0;             // Of the generation, in etcd.
  absl::Duration deadline_;                // Clock::Boot().
  EventLoop::TimerId wait_timer_ = 0;
  EventLoop::TimerId report_timer_ = 0;
  EventLoop::TimerId meet_timer_ = 0;
};

// `settings.flags.master` names the etcd. INVALID_ARGUMENT: it is no address.
absl::StatusOr<std::unique_ptr<RunningPaddleJob>> MakeElasticJob(const PaddleJobParts& parts);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_ELASTIC_JOB_H_

#ifndef MUSTER_SCHEDULER_RPC_JOB_SERVICE_H_
#define MUSTER_SCHEDULER_RPC_JOB_SERVICE_H_

#include <string>

#include "common/base/event_loop.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "scheduler/rpc/scheduler_seat.h"

namespace muster {

// JobService over whoever sits at the scheduler's seat: each method posts to the loop and answers
// from there. gRPC calls it on threads of its own. Must outlive the server.
class JobServiceRpc final : public v1::JobService::CallbackService {
 public:
  // `local_user` owns what is submitted over a Unix socket: its mode lets nobody else in. Pointers
  // must outlive this object.
  JobServiceRpc(EventLoop* loop, SchedulerSeat* seat, std::string local_user);

  grpc::ServerUnaryReactor* SubmitJob(grpc::CallbackServerContext* context,
                                      const v1::SubmitJobRequest* request,
                                      v1::SubmitJobResponse* response) override;
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context,
                                   const v1::GetJobRequest* request,
                                   v1::GetJobResponse* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const v1::ListJobsRequest* request,
                                     v1::ListJobsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchJobResponse>* WatchJob(
      grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) override;
  grpc::ServerUnaryReactor* CancelJob(grpc::CallbackServerContext* context,
                                      const v1::CancelJobRequest* request,
                                      v1::CancelJobResponse* response) override;
  grpc::ServerUnaryReactor* ScaleJob(grpc::CallbackServerContext* context,
                                     const v1::ScaleJobRequest* request,
                                     v1::ScaleJobResponse* response) override;
  grpc::ServerUnaryReactor* WaitJob(grpc::CallbackServerContext* context,
                                    const v1::WaitJobRequest* request,
                                    v1::WaitJobResponse* response) override;

 private:
  EventLoop* const loop_;
  SchedulerSeat* const seat_;
  const std::string local_user_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_RPC_JOB_SERVICE_H_

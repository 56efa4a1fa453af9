#include "scheduler/rpc/job_service.h"

#include <utility>

#include "common/rpc/grpc_status.h"
#include "scheduler/rpc/caller_name.h"
#include "scheduler/rpc/unary_answer.h"
#include "scheduler/rpc/wait_reactor.h"
#include "scheduler/rpc/watch_reactor.h"

namespace muster {
namespace {

// Puts the job that the scheduler answers with into `response`, and ends the call.
template <typename Response>
std::function<void(const absl::StatusOr<v1::Job>&)> AnswerWithJob(OpenCalls* calls,
                                                                  grpc::ServerUnaryReactor* reactor,
                                                                  Response* response) {
  return
      [answer = UnaryAnswer::Make(calls, reactor), response](const absl::StatusOr<v1::Job>& job) {
        if (answer->given()) return;
        if (job.ok()) *response->mutable_job() = *job;
        answer->Give(job.status());
      };
}

}  // namespace

JobServiceRpc::JobServiceRpc(EventLoop* loop, SchedulerSeat* seat, std::string local_user)
    : loop_(loop), seat_(seat), local_user_(std::move(local_user)) {}

grpc::ServerUnaryReactor* JobServiceRpc::SubmitJob(grpc::CallbackServerContext* context,
                                                   const v1::SubmitJobRequest* request,
                                                   v1::SubmitJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, owner = CallerName(*context, local_user_), request, response, reactor] {
    Scheduler* const scheduler = seat_->scheduler();
    if (scheduler == nullptr) return reactor->Finish(ToGrpcStatus(seat_->absence()));
    scheduler->Submit(*request, owner, AnswerWithJob(seat_->answers(), reactor, response));
  });
  return reactor;
}

grpc::ServerUnaryReactor* JobServiceRpc::GetJob(grpc::CallbackServerContext* context,
                                                const v1::GetJobRequest* request,
                                                v1::GetJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, request, response, reactor] {
    const Scheduler* const scheduler = seat_->scheduler();
    if (scheduler == nullptr) return reactor->Finish(ToGrpcStatus(seat_->absence()));
    absl::StatusOr<v1::Job> job = scheduler->Get(request->job_id());
    if (job.ok()) *response->mutable_job() = *std::move(job);
    reactor->Finish(ToGrpcStatus(job.status()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* JobServiceRpc::ListJobs(grpc::CallbackServerContext* context,
                                                  const v1::ListJobsRequest* request,
                                                  v1::ListJobsResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, request, response, reactor] {
    const Scheduler* const scheduler = seat_->scheduler();
    if (scheduler == nullptr) return reactor->Finish(ToGrpcStatus(seat_->absence()));
    absl::StatusOr<v1::ListJobsResponse> jobs = scheduler->List(*request);
    if (jobs.ok()) *response = *std::move(jobs);
    reactor->Finish(ToGrpcStatus(jobs.status()));
  });
  return reactor;
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobServiceRpc::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  return new WatchReactor(loop_, seat_, request->job_id());
}

grpc::ServerUnaryReactor* JobServiceRpc::CancelJob(grpc::CallbackServerContext* context,
                                                   const v1::CancelJobRequest* request,
                                                   v1::CancelJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, request, response, reactor] {
    Scheduler* const scheduler = seat_->scheduler();
    if (scheduler == nullptr) return reactor->Finish(ToGrpcStatus(seat_->absence()));
    scheduler->Cancel(*request, AnswerWithJob(seat_->answers(), reactor, response));
  });
  return reactor;
}

grpc::ServerUnaryReactor* JobServiceRpc::ScaleJob(grpc::CallbackServerContext* context,
                                                  const v1::ScaleJobRequest* request,
                                                  v1::ScaleJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, who = CallerName(*context, local_user_), request, response, reactor] {
    Scheduler* const scheduler = seat_->scheduler();
    if (scheduler == nullptr) return reactor->Finish(ToGrpcStatus(seat_->absence()));
    scheduler->Scale(*request, who, AnswerWithJob(seat_->answers(), reactor, response));
  });
  return reactor;
}

grpc::ServerUnaryReactor* JobServiceRpc::WaitJob(grpc::CallbackServerContext* context,
                                                 const v1::WaitJobRequest* request,
                                                 v1::WaitJobResponse* response) {
  return new WaitReactor(loop_, seat_, *request, response);
}

}  // namespace muster

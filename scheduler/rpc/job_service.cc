#include "scheduler/rpc/job_service.h"

#include <utility>
#include <vector>

#include "common/rpc/grpc_status.h"
#include "grpcpp/security/auth_context.h"
#include "scheduler/rpc/wait_reactor.h"
#include "scheduler/rpc/watch_reactor.h"

namespace muster {

JobServiceRpc::JobServiceRpc(EventLoop* loop, Scheduler* scheduler, OpenCalls* calls,
                             std::string local_user)
    : loop_(loop), scheduler_(scheduler), calls_(calls), local_user_(std::move(local_user)) {}

std::string JobServiceRpc::OwnerOf(const grpc::CallbackServerContext& context) const {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    const std::vector<grpc::string_ref> names = auth->GetPeerIdentity();
    if (!names.empty()) return std::string(names[0].data(), names[0].size());
  }
  return local_user_;
}

grpc::ServerUnaryReactor* JobServiceRpc::SubmitJob(grpc::CallbackServerContext* context,
                                                   const v1::SubmitJobRequest* request,
                                                   v1::SubmitJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, owner = OwnerOf(*context), request, response, reactor] {
    scheduler_->Submit(*request, owner, [response, reactor](const absl::StatusOr<v1::Job>& job) {
      if (job.ok()) *response->mutable_job() = *job;
      reactor->Finish(ToGrpcStatus(job.status()));
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* JobServiceRpc::GetJob(grpc::CallbackServerContext* context,
                                                const v1::GetJobRequest* request,
                                                v1::GetJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, request, response, reactor] {
    absl::StatusOr<v1::Job> job = scheduler_->Get(request->job_id());
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
    absl::StatusOr<v1::ListJobsResponse> jobs = scheduler_->List(*request);
    if (jobs.ok()) *response = *std::move(jobs);
    reactor->Finish(ToGrpcStatus(jobs.status()));
  });
  return reactor;
}

grpc::ServerWriteReactor<v1::WatchJobResponse>* JobServiceRpc::WatchJob(
    grpc::CallbackServerContext* context, const v1::WatchJobRequest* request) {
  return new WatchReactor(loop_, scheduler_, calls_, request->job_id());
}

grpc::ServerUnaryReactor* JobServiceRpc::CancelJob(grpc::CallbackServerContext* context,
                                                   const v1::CancelJobRequest* request,
                                                   v1::CancelJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, request, response, reactor] {
    scheduler_->Cancel(*request, [response, reactor](const absl::StatusOr<v1::Job>& job) {
      if (job.ok()) *response->mutable_job() = *job;
      reactor->Finish(ToGrpcStatus(job.status()));
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* JobServiceRpc::WaitJob(grpc::CallbackServerContext* context,
                                                 const v1::WaitJobRequest* request,
                                                 v1::WaitJobResponse* response) {
  return new WaitReactor(loop_, scheduler_, calls_, *request, response);
}

}  // namespace muster

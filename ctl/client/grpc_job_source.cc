#include "ctl/client/grpc_job_source.h"

#include <utility>

#include "common/base/status.h"
#include "common/rpc/deadline.h"
#include "ctl/client/address.h"
#include "ctl/client/rpc_error.h"
#include "ctl/client/stream_reactor.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/log_service.grpc.pb.h"

namespace muster {
namespace {

// One unary call in flight. Deletes itself on the loop.
template <typename Request, typename Response>
struct UnaryCall {
  grpc::ClientContext context;
  Request request;
  Response response;
};

// A stream that could not even begin: tells so from the loop.
class FailedStream : public SourceStream {
 public:
  FailedStream(EventLoop* loop, const absl::Status& status, JobSource::OnEnd on_end)
      : alive_(std::make_shared<bool>(true)) {
    loop->Post([alive = std::weak_ptr<bool>(alive_), status, on_end = std::move(on_end)] {
      if (!alive.expired()) on_end(status);
    });
  }
  void Next() override {}

 private:
  const std::shared_ptr<bool> alive_;
};

}  // namespace

GrpcJobSource::GrpcJobSource(std::string address, const SecurityOptions& security,
                             absl::Duration timeout, EventLoop* loop)
    : address_(std::move(address)), timeout_(timeout), loop_(loop), channels_(security) {}

GrpcJobSource::~GrpcJobSource() { open_.Wait(); }

absl::StatusOr<std::unique_ptr<GrpcJobSource>> GrpcJobSource::Connect(
    const std::string& address, const SecurityOptions& security, absl::Duration timeout,
    EventLoop* loop) {
  MUSTER_RETURN_IF_ERROR(ProbeAddress(address));
  auto source = std::unique_ptr<GrpcJobSource>(new GrpcJobSource(address, security, timeout, loop));
  MUSTER_RETURN_IF_ERROR(source->channels_.Get(address).status());
  return source;
}

void GrpcJobSource::Submit(const v1::SubmitJobRequest& request, JobDone done) {
  auto call = std::make_shared<UnaryCall<v1::SubmitJobRequest, v1::SubmitJobResponse>>();
  call->request = request;
  SetTimeout(&call->context, timeout_);
  auto stub = std::make_shared<v1::JobService::Stub>(*channels_.Get(address_));
  open_.Add();
  stub->async()->SubmitJob(&call->context, &call->request, &call->response,
                           [this, call, stub, done = std::move(done)](const grpc::Status& status) {
                             const absl::Status error = FromRpc(status, address_);
                             loop_->Post([call, error, done] {
                               if (!error.ok()) return done(error);
                               done(call->response.job());
                             });
                             open_.Remove();
                           });
}

void GrpcJobSource::Cancel(const v1::CancelJobRequest& request, JobDone done) {
  auto call = std::make_shared<UnaryCall<v1::CancelJobRequest, v1::CancelJobResponse>>();
  call->request = request;
  SetTimeout(&call->context, timeout_);
  auto stub = std::make_shared<v1::JobService::Stub>(*channels_.Get(address_));
  open_.Add();
  stub->async()->CancelJob(&call->context, &call->request, &call->response,
                           [this, call, stub, done = std::move(done)](const grpc::Status& status) {
                             const absl::Status error = FromRpc(status, address_);
                             loop_->Post([call, error, done] {
                               if (!error.ok()) return done(error);
                               done(call->response.job());
                             });
                             open_.Remove();
                           });
}

std::unique_ptr<SourceStream> GrpcJobSource::Watch(const v1::WatchJobRequest& request, OnJob on_job,
                                                   OnEnd on_end) {
  auto reactor = std::make_shared<StreamReactor<v1::WatchJobResponse>>(
      loop_, &open_, address_, std::move(on_job), std::move(on_end));
  v1::JobService::Stub stub(*channels_.Get(address_));
  stub.async()->WatchJob(reactor->context(), &request, reactor.get());
  reactor->Begin();
  return std::make_unique<StreamHandle<v1::WatchJobResponse>>(std::move(reactor));
}

std::unique_ptr<SourceStream> GrpcJobSource::ReadLogs(const std::string& agent_address,
                                                      const v1::ReadLogsRequest& request,
                                                      OnLog on_log, OnEnd on_end) {
  const std::string& address = agent_address.empty() ? address_ : agent_address;
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = channels_.Get(address);
  if (!channel.ok()) {
    return std::make_unique<FailedStream>(loop_, channel.status(), std::move(on_end));
  }
  auto reactor = std::make_shared<StreamReactor<v1::ReadLogsResponse>>(
      loop_, &open_, address, std::move(on_log), std::move(on_end));
  v1::LogService::Stub stub(*channel);
  stub.async()->ReadLogs(reactor->context(), &request, reactor.get());
  reactor->Begin();
  return std::make_unique<StreamHandle<v1::ReadLogsResponse>>(std::move(reactor));
}

}  // namespace muster

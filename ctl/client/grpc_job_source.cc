#include "ctl/client/grpc_job_source.h"

#include <utility>

#include "common/base/status.h"
#include "common/rpc/deadline.h"
#include "ctl/client/address.h"
#include "ctl/client/rpc_error.h"
#include "ctl/client/stream_call.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/log_service.grpc.pb.h"

namespace muster {
namespace {

// One unary call in flight; its completion keeps it alive.
template <typename Response>
struct UnaryCall {
  grpc::ClientContext context;
  Response response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
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
    : address_(address),
      scheduler_(std::move(address)),
      timeout_(timeout),
      loop_(loop),
      channels_(security),
      calls_(loop) {}

GrpcJobSource::~GrpcJobSource() = default;

absl::StatusOr<std::unique_ptr<GrpcJobSource>> GrpcJobSource::Connect(
    const std::string& address, const SecurityOptions& security, absl::Duration timeout,
    EventLoop* loop) {
  MUSTER_RETURN_IF_ERROR(ProbeAddress(address));
  MUSTER_RETURN_IF_ERROR(CheckTlsFiles(address, security));
  auto source = std::unique_ptr<GrpcJobSource>(new GrpcJobSource(address, security, timeout, loop));
  MUSTER_RETURN_IF_ERROR(source->channels_.Get(address).status());
  return source;
}

template <typename Response, typename Prepare>
void GrpcJobSource::CallOnce(Prepare prepare, JobDone done, int redirects) {
  auto call = std::make_shared<UnaryCall<Response>>();
  SetTimeout(&call->context, timeout_);
  const std::string asked = scheduler_;
  v1::JobService::Stub stub(*channels_.Get(asked));
  call->reader = prepare(&stub, &call->context);
  call->reader->StartCall();
  calls_.Add(&call->context);
  call->reader->Finish(
      &call->response, &call->status,
      CallQueue::Tag([this, call, asked, prepare, redirects, done = std::move(done)](bool) {
        calls_.Remove(&call->context);
        const absl::Status error = AtScheduler(FromRpc(call->status, asked), asked, address_);
        if (Learn(asked, error) && redirects < kMaxRedirects) {
          return CallOnce<Response>(prepare, done, redirects + 1);
        }
        if (!error.ok()) return done(error);
        done(call->response.job());
      }));
}

bool GrpcJobSource::Learn(const std::string& asked, const absl::Status& status) {
  const std::string elsewhere = SchedulerAddressIn(status);
  if (!elsewhere.empty() && elsewhere != asked && channels_.Get(elsewhere).ok()) {
    scheduler_ = elsewhere;
    return true;
  }
  // A scheduler that is gone: the agent that was asked first knows the next one.
  if (!status.ok() && asked == scheduler_) scheduler_ = address_;
  return false;
}

void GrpcJobSource::Submit(const v1::SubmitJobRequest& request, JobDone done) {
  CallOnce<v1::SubmitJobResponse>(
      [this, request](v1::JobService::Stub* stub, grpc::ClientContext* context) {
        return stub->PrepareAsyncSubmitJob(context, request, calls_.queue());
      },
      std::move(done));
}

void GrpcJobSource::Cancel(const v1::CancelJobRequest& request, JobDone done) {
  CallOnce<v1::CancelJobResponse>(
      [this, request](v1::JobService::Stub* stub, grpc::ClientContext* context) {
        return stub->PrepareAsyncCancelJob(context, request, calls_.queue());
      },
      std::move(done));
}

std::unique_ptr<SourceStream> GrpcJobSource::Watch(const v1::WatchJobRequest& request, OnJob on_job,
                                                   OnEnd on_end) {
  // Whoever watches opens the stream again after an end; it then goes where the scheduler is.
  auto learn = [this, asked = scheduler_, on_end = std::move(on_end)](const absl::Status& status) {
    Learn(asked, status);
    on_end(AtScheduler(status, asked, address_));
  };
  auto call = std::make_shared<StreamCall<v1::WatchJobResponse>>(
      &calls_, scheduler_, std::move(on_job), std::move(learn));
  v1::JobService::Stub stub(*channels_.Get(scheduler_));
  call->Begin(stub.PrepareAsyncWatchJob(call->context(), request, calls_.queue()));
  return std::make_unique<StreamHandle<v1::WatchJobResponse>>(std::move(call));
}

std::unique_ptr<SourceStream> GrpcJobSource::ReadLogs(const std::string& agent_address,
                                                      const v1::ReadLogsRequest& request,
                                                      OnLog on_log, OnEnd on_end) {
  const std::string& address = agent_address.empty() ? address_ : agent_address;
  const absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = channels_.Get(address);
  if (!channel.ok()) {
    return std::make_unique<FailedStream>(loop_, channel.status(), std::move(on_end));
  }
  auto call = std::make_shared<StreamCall<v1::ReadLogsResponse>>(
      &calls_, address, std::move(on_log), std::move(on_end));
  v1::LogService::Stub stub(*channel);
  call->Begin(stub.PrepareAsyncReadLogs(call->context(), request, calls_.queue()));
  return std::make_unique<StreamHandle<v1::ReadLogsResponse>>(std::move(call));
}

}  // namespace muster

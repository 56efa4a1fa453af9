#include "ctl/client/api_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/backoff.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/deadline.h"
#include "common/rpc/grpc_status.h"
#include "ctl/client/address.h"
#include "ctl/client/rpc_error.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/node_service.grpc.pb.h"

namespace muster {
namespace {

// How long a call waits for a scheduler, if its own time is not less: twice what an election takes.
constexpr absl::Duration kSchedulerPatience = absl::Seconds(10);

Backoff::Options RetryOptions() {
  Backoff::Options options;
  options.first = absl::Milliseconds(20);
  options.max = absl::Milliseconds(300);
  return options;
}

}  // namespace

struct ApiClient::Stubs {
  explicit Stubs(const std::shared_ptr<grpc::Channel>& channel) : job(channel), node(channel) {}
  v1::JobService::Stub job;
  v1::NodeService::Stub node;
};

ApiClient::ApiClient(std::string address, const SecurityOptions& security, absl::Duration timeout,
                     std::unique_ptr<Stubs> stubs)
    : home_(address),
      address_(std::move(address)),
      security_(security),
      timeout_(timeout),
      stubs_(std::move(stubs)) {}

ApiClient::~ApiClient() = default;

absl::StatusOr<std::unique_ptr<ApiClient>> ApiClient::Connect(const std::string& address,
                                                              const SecurityOptions& security,
                                                              absl::Duration timeout) {
  MUSTER_RETURN_IF_ERROR(ProbeAddress(address));
  MUSTER_RETURN_IF_ERROR(CheckTlsFiles(address, security));
  MUSTER_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                          MakeChannel(address, security));
  return std::unique_ptr<ApiClient>(
      new ApiClient(address, security, timeout, std::make_unique<Stubs>(channel)));
}

absl::Status ApiClient::GoTo(const std::string& address) {
  MUSTER_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                          MakeChannel(address, security_));
  address_ = address;
  stubs_ = std::make_unique<Stubs>(channel);
  return absl::OkStatus();
}

template <typename Method, typename Request, typename Response>
absl::Status ApiClient::Call(Method method, const Request& request, Response* response,
                             absl::Duration timeout) {
  const absl::Duration end = Clock::Real()->Boot() + timeout;
  const absl::Duration patient_until =
      Clock::Real()->Boot() + std::min(timeout_, kSchedulerPatience);
  Backoff backoff(RetryOptions());
  absl::Status why;  // No scheduler was found at the last try.
  for (;;) {
    bool away = false;
    const absl::Status status =
        CallOnce(method, request, response, end - Clock::Real()->Boot(), &away);
    // What little time was left for this try says less than what the one before was told.
    if (absl::IsDeadlineExceeded(status) && !why.ok()) return why;
    why = status;
    const absl::Duration wait = backoff.Next();
    if (!away || Clock::Real()->Boot() + wait >= patient_until) return status;
    absl::SleepFor(wait);
  }
}

template <typename Method, typename Request, typename Response>
absl::Status ApiClient::CallOnce(Method method, const Request& request, Response* response,
                                 absl::Duration timeout, bool* away) {
  for (int redirects = 0;; ++redirects) {
    grpc::ClientContext context;
    SetTimeout(&context, timeout);
    const absl::Status status =
        AtScheduler(FromRpc(method(&context, request, response), address_), address_, home_);
    const std::string elsewhere = SchedulerAddressIn(status);
    if (elsewhere.empty() || elsewhere == address_ || redirects == kMaxRedirects) {
      *away = IsNotTheScheduler(status);
      // A scheduler that is gone, or hangs: the agent that was asked first learns of the next one.
      const bool silent = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
      if (silent && address_ != home_) {
        *away |= absl::IsUnavailable(status);
        MUSTER_RETURN_IF_ERROR(GoTo(home_));
      }
      return status;
    }
    const absl::Status gone = GoTo(elsewhere);
    if (!gone.ok()) return Annotate(gone, absl::StrCat("the scheduler is at ", elsewhere));
  }
}

absl::StatusOr<v1::Job> ApiClient::SubmitJob(const v1::SubmitJobRequest& request) {
  v1::SubmitJobResponse response;
  MUSTER_RETURN_IF_ERROR(Call([this](auto* context, const auto& in,
                                     auto* out) { return stubs_->job.SubmitJob(context, in, out); },
                              request, &response, timeout_));
  return std::move(*response.mutable_job());
}

absl::StatusOr<v1::Job> ApiClient::GetJob(const std::string& job_id) {
  v1::GetJobRequest request;
  request.set_job_id(job_id);
  v1::GetJobResponse response;
  MUSTER_RETURN_IF_ERROR(Call([this](auto* context, const auto& in,
                                     auto* out) { return stubs_->job.GetJob(context, in, out); },
                              request, &response, timeout_));
  return std::move(*response.mutable_job());
}

absl::StatusOr<v1::ListJobsResponse> ApiClient::ListJobs(const v1::ListJobsRequest& request) {
  v1::ListJobsResponse response;
  MUSTER_RETURN_IF_ERROR(Call([this](auto* context, const auto& in,
                                     auto* out) { return stubs_->job.ListJobs(context, in, out); },
                              request, &response, timeout_));
  return response;
}

absl::StatusOr<v1::Job> ApiClient::CancelJob(const std::string& job_id, const std::string& reason) {
  v1::CancelJobRequest request;
  request.set_job_id(job_id);
  request.set_reason(reason);
  v1::CancelJobResponse response;
  MUSTER_RETURN_IF_ERROR(Call([this](auto* context, const auto& in,
                                     auto* out) { return stubs_->job.CancelJob(context, in, out); },
                              request, &response, timeout_));
  return std::move(*response.mutable_job());
}

absl::StatusOr<v1::Job> ApiClient::ScaleJob(const v1::ScaleJobRequest& request) {
  v1::ScaleJobResponse response;
  MUSTER_RETURN_IF_ERROR(Call([this](auto* context, const auto& in,
                                     auto* out) { return stubs_->job.ScaleJob(context, in, out); },
                              request, &response, timeout_));
  return std::move(*response.mutable_job());
}

absl::StatusOr<v1::Job> ApiClient::WaitJob(const std::string& job_id, absl::Duration wait) {
  v1::WaitJobRequest request;
  request.set_job_id(job_id);
  request.mutable_timeout()->set_seconds(absl::ToInt64Seconds(wait));
  request.mutable_timeout()->set_nanos(
      static_cast<int>(absl::ToInt64Nanoseconds(wait % absl::Seconds(1))));
  v1::WaitJobResponse response;
  MUSTER_RETURN_IF_ERROR(Call([this](auto* context, const auto& in,
                                     auto* out) { return stubs_->job.WaitJob(context, in, out); },
                              request, &response, wait + timeout_));
  return std::move(*response.mutable_job());
}

absl::StatusOr<v1::ListNodesResponse> ApiClient::ListNodes() {
  v1::ListNodesResponse response;
  MUSTER_RETURN_IF_ERROR(
      Call([this](auto* context, const auto& in,
                  auto* out) { return stubs_->node.ListNodes(context, in, out); },
           v1::ListNodesRequest(), &response, timeout_));
  return response;
}

absl::StatusOr<v1::Node> ApiClient::CordonNode(const v1::CordonNodeRequest& request) {
  v1::CordonNodeResponse response;
  MUSTER_RETURN_IF_ERROR(
      Call([this](auto* context, const auto& in,
                  auto* out) { return stubs_->node.CordonNode(context, in, out); },
           request, &response, timeout_));
  return std::move(*response.mutable_node());
}

absl::StatusOr<v1::Node> ApiClient::UncordonNode(const v1::UncordonNodeRequest& request) {
  v1::UncordonNodeResponse response;
  MUSTER_RETURN_IF_ERROR(
      Call([this](auto* context, const auto& in,
                  auto* out) { return stubs_->node.UncordonNode(context, in, out); },
           request, &response, timeout_));
  return std::move(*response.mutable_node());
}

absl::StatusOr<v1::Node> ApiClient::DrainNode(const v1::DrainNodeRequest& request) {
  v1::DrainNodeResponse response;
  MUSTER_RETURN_IF_ERROR(
      Call([this](auto* context, const auto& in,
                  auto* out) { return stubs_->node.DrainNode(context, in, out); },
           request, &response, timeout_));
  return std::move(*response.mutable_node());
}

}  // namespace muster

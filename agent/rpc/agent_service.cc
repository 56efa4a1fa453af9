#include "agent/rpc/agent_service.h"

#include <utility>

#include "common/rpc/grpc_status.h"
#include "glog/logging.h"

namespace muster {
namespace {

absl::Status CheckGang(const v1::GangRef& gang) {
  if (gang.job_id().empty()) return absl::InvalidArgumentError("gang.job_id is empty");
  if (gang.attempt() < 0) return absl::InvalidArgumentError("gang.attempt is negative");
  return absl::OkStatus();
}

// Answers with what `command` says, on the loop. The request lives until Finish().
template <typename Request, typename Command>
grpc::ServerUnaryReactor* Answer(EventLoop* loop, grpc::CallbackServerContext* context,
                                 const Request* request, Command command) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop->Post([request, reactor, command = std::move(command)] {
    const absl::Status checked = CheckGang(request->gang());
    reactor->Finish(ToGrpcStatus(checked.ok() ? command(*request) : checked));
  });
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* AgentServiceRpc::ReserveGang(grpc::CallbackServerContext* context,
                                                       const v1::ReserveGangRequest* request,
                                                       v1::ReserveGangResponse* response) {
  return Answer(loop_, context, request, [this, response](const v1::ReserveGangRequest& wanted) {
    absl::StatusOr<v1::NodePlacement> granted = gangs_->Reserve(wanted);
    if (granted.ok()) *response->mutable_placement() = *std::move(granted);
    return granted.status();
  });
}

grpc::ServerUnaryReactor* AgentServiceRpc::StartGang(grpc::CallbackServerContext* context,
                                                     const v1::StartGangRequest* request,
                                                     v1::StartGangResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  loop_->Post([this, request, reactor] {
    const absl::Status checked = CheckGang(request->gang());
    if (!checked.ok()) return reactor->Finish(ToGrpcStatus(checked));
    gangs_->Start(*request, [reactor](const absl::Status& started) {
      VLOG(1) << "StartGang: " << started;
      reactor->Finish(ToGrpcStatus(started));
    });
  });
  return reactor;
}

grpc::ServerUnaryReactor* AgentServiceRpc::StopGang(grpc::CallbackServerContext* context,
                                                    const v1::StopGangRequest* request,
                                                    v1::StopGangResponse* response) {
  return Answer(loop_, context, request,
                [this](const v1::StopGangRequest& order) { return gangs_->Stop(order); });
}

grpc::ServerUnaryReactor* AgentServiceRpc::ReleaseGang(grpc::CallbackServerContext* context,
                                                       const v1::ReleaseGangRequest* request,
                                                       v1::ReleaseGangResponse* response) {
  return Answer(loop_, context, request,
                [this](const v1::ReleaseGangRequest& order) { return gangs_->Release(order); });
}

grpc::ServerUnaryReactor* AgentServiceRpc::RestartRank(grpc::CallbackServerContext* context,
                                                       const v1::RestartRankRequest* request,
                                                       v1::RestartRankResponse* response) {
  return Answer(loop_, context, request,
                [this](const v1::RestartRankRequest& order) { return gangs_->RestartRank(order); });
}

}  // namespace muster

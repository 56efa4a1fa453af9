#include "scheduler/rpc/guarded_agent.h"

#include <utility>

namespace muster {
namespace {

class GuardedAgent final : public AgentChannel {
 public:
  GuardedAgent(std::unique_ptr<AgentChannel> agent, std::function<bool()> may_act, EventLoop* loop)
      : agent_(std::move(agent)), may_act_(std::move(may_act)), loop_(loop) {}

  void Reserve(const v1::ReserveGangRequest& request, Done<v1::ReserveGangResponse> done) override {
    if (may_act_()) return agent_->Reserve(request, std::move(done));
    Refuse<v1::ReserveGangResponse>(std::move(done));
  }
  void Start(const v1::StartGangRequest& request, Done<v1::StartGangResponse> done) override {
    if (may_act_()) return agent_->Start(request, std::move(done));
    Refuse<v1::StartGangResponse>(std::move(done));
  }
  void Stop(const v1::StopGangRequest& request, Done<v1::StopGangResponse> done) override {
    if (may_act_()) return agent_->Stop(request, std::move(done));
    Refuse<v1::StopGangResponse>(std::move(done));
  }
  void Release(const v1::ReleaseGangRequest& request, Done<v1::ReleaseGangResponse> done) override {
    if (may_act_()) return agent_->Release(request, std::move(done));
    Refuse<v1::ReleaseGangResponse>(std::move(done));
  }
  void RestartRank(const v1::RestartRankRequest& request,
                   Done<v1::RestartRankResponse> done) override {
    if (may_act_()) return agent_->RestartRank(request, std::move(done));
    Refuse<v1::RestartRankResponse>(std::move(done));
  }

 private:
  template <typename Response>
  void Refuse(Done<Response> done) {
    loop_->Post([done = std::move(done)] {
      done(absl::AbortedError("this scheduler cannot prove that it still leads"));
    });
  }

  const std::unique_ptr<AgentChannel> agent_;
  const std::function<bool()> may_act_;
  EventLoop* const loop_;
};

}  // namespace

std::unique_ptr<AgentChannel> MakeGuardedAgent(std::unique_ptr<AgentChannel> agent,
                                               std::function<bool()> may_act, EventLoop* loop) {
  return std::make_unique<GuardedAgent>(std::move(agent), std::move(may_act), loop);
}

}  // namespace muster

#include "tests/fakes/agent_crowd.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/link/fence.h"
#include "agent/link/scheduler_link.h"
#include "agent/rpc/node_stream.h"
#include "common/rpc/channel.h"
#include "tests/fakes/fake_gangs.h"

namespace muster {
namespace {

// A stream that can fall silent without breaking.
class MutableStream final : public NodeStream, private NodeStreamEvents {
 public:
  MutableStream(const std::shared_ptr<grpc::Channel>& channel, EventLoop* loop, const bool* muted,
                NodeStreamEvents* events)
      : muted_(muted), events_(events), stream_(OpenNodeStream(channel, loop, this)) {}

  void Send(const v1::ConnectNodeRequest& message) override {
    if (!*muted_) stream_->Send(message);
  }

 private:
  void OnResponse(const v1::ConnectNodeResponse& response) override {
    if (!*muted_) events_->OnResponse(response);
  }
  void OnSent() override {
    if (!*muted_) events_->OnSent();
  }
  void OnClosed(const absl::Status& status) override {
    if (!*muted_) events_->OnClosed(status);
  }

  const bool* const muted_;
  NodeStreamEvents* const events_;
  const std::unique_ptr<NodeStream> stream_;
};

v1::NodeInfo InfoOf(int index) {
  v1::NodeInfo info;
  info.set_id(absl::StrCat("crowd-", index));
  info.set_name(info.id());
  info.set_incarnation(1);
  info.set_boot_id("crowd");
  info.set_address("127.0.0.1");
  info.set_agent_address("127.0.0.1:1");  // Nobody: no gang is placed here.
  info.set_cpus(1);
  return info;
}

}  // namespace

class AgentCrowd::Agent {
 public:
  Agent(int index, const std::string& scheduler, const SecurityOptions& security, EventLoop* loop,
        int64_t* opened)
      : fence_(loop, &gangs_),
        link_(LinkOptions(), InfoOf(index), loop, &gangs_,
              [this, scheduler, security, loop,
               opened](NodeStreamEvents* events) -> std::unique_ptr<NodeStream> {
                ++*opened;
                auto channel = MakeFreshChannel(scheduler, security);
                if (!channel.ok()) return RefuseNodeStream(channel.status(), loop, events);
                return std::make_unique<MutableStream>(*channel, loop, &muted_, events);
              }) {}

  void Start() { link_.Start(); }
  // The stream is kept as it is: a link that gives up opens another that is as mute.
  void Mute() { muted_ = true; }
  bool connected() const { return !muted_ && link_.connected(); }

 private:
  SchedulerLink::Options LinkOptions() {
    SchedulerLink::Options options;
    options.fence = &fence_;
    return options;
  }

  bool muted_ = false;
  FakeGangs gangs_;
  Fence fence_;
  SchedulerLink link_;
};

AgentCrowd::AgentCrowd(int count, const std::string& scheduler, const SecurityOptions& security,
                       EventLoop* loop)
    : loop_(loop) {
  for (int i = 0; i < count; ++i) {
    agents_.push_back(std::make_unique<Agent>(i, scheduler, security, loop, &opened_));
  }
}

AgentCrowd::~AgentCrowd() = default;

void AgentCrowd::Start() {
  for (const std::unique_ptr<Agent>& agent : agents_) {
    loop_->Post([agent = agent.get()] { agent->Start(); });  // Events come in between.
  }
}

void AgentCrowd::Mute(int index) { agents_.at(index)->Mute(); }

int AgentCrowd::connected() const {
  return std::count_if(agents_.begin(), agents_.end(),
                       [](const std::unique_ptr<Agent>& agent) { return agent->connected(); });
}

}  // namespace muster

#include "scheduler/election/static_election.h"

#include <utility>

namespace muster {
namespace {

class StaticElection : public Election {
 public:
  StaticElection(const v1::Candidate& scheduler, bool here, EventLoop* loop, Events events)
      : here_(here), loop_(loop), events_(std::move(events)) {
    leader_.candidate = scheduler;
  }
  ~StaticElection() override { *alive_ = false; }

  void Start() override {
    loop_->Post([this, alive = alive_] {
      if (!*alive || resigned_) return;
      events_.on_leader(leader_);
      if (!here_) return;
      leading_ = true;
      events_.on_elected(leader_);
    });
  }
  bool MayAct() const override { return leading_; }
  // There is nobody else: what it cannot do now it tries again with the next start.
  void StepDown(const absl::Status& why) override {
    if (std::exchange(leading_, false)) events_.on_deposed(why);
  }
  void Resign(std::function<void()> done) override {
    resigned_ = true;
    StepDown(absl::UnavailableError("the scheduler is going down; try again"));
    loop_->Post(std::move(done));
  }

 private:
  const bool here_;
  EventLoop* const loop_;
  const Events events_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Leader leader_;
  bool leading_ = false;
  bool resigned_ = false;
};

}  // namespace

std::unique_ptr<Election> MakeStaticElection(const v1::Candidate& scheduler, bool here,
                                             EventLoop* loop, Election::Events events) {
  return std::make_unique<StaticElection>(scheduler, here, loop, std::move(events));
}

}  // namespace muster

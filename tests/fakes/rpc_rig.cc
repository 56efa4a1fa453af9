#include "tests/fakes/rpc_rig.h"

#include <memory>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/rpc/channel.h"
#include "common/rpc/deadline.h"
#include "glog/logging.h"
#include "grpcpp/server_builder.h"

namespace muster {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kLook = absl::Milliseconds(1);

// Looks again each millisecond, on the loop. Lives until it is told, or until time is up.
struct Awaiter : std::enable_shared_from_this<Awaiter> {
  EventLoop* loop;
  std::function<bool()> condition;
  absl::Notification held;
  bool over = false;  // On the loop: nobody waits any longer.

  void Look() {
    if (over) return;
    if (condition()) {
      over = true;
      return held.Notify();
    }
    loop->After(kLook, [self = shared_from_this()] { self->Look(); });
  }
};

}  // namespace

bool RpcRig::Await(const std::function<bool()>& condition) {
  auto awaiter = std::make_shared<Awaiter>();
  awaiter->loop = loop();
  awaiter->condition = condition;
  loop()->Post([awaiter] { awaiter->Look(); });
  const bool held = awaiter->held.WaitForNotificationWithTimeout(kPatience);
  loop_.Call([awaiter] { awaiter->over = true; });
  return held;
}

void RpcRig::Serve(const std::vector<grpc::Service*>& services) {
  grpc::ServerBuilder builder;
  TuneServer(&builder);
  for (grpc::Service* service : services) builder.RegisterService(service);
  server_ = builder.BuildAndStart();
  CHECK(server_ != nullptr);
  channel_ = server_->InProcessChannel(ClientArguments());
}

void RpcRig::Stop() {
  if (server_ == nullptr) return;
  loop_.Call([this] { calls_.EndAll(absl::UnavailableError("the test is over")); });
  server_->Shutdown(DeadlineAfter(absl::Seconds(5)));
  channel_ = nullptr;
  server_ = nullptr;
  loop_.Call([] {});  // The last posts of the reactors have run.
}

}  // namespace muster

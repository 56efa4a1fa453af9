#include "ctl/frontend/torchrun/node_agent.h"

#include <csignal>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/job/exit_result.h"
#include "ctl/frontend/torchrun/error_file.h"
#include "ctl/frontend/torchrun/failure_table.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr int kFailed = 1;  // Whatever failed: torchrun's exit code is 1.

}  // namespace

NodeAgent::NodeAgent(const Options& options, EventLoop* loop, WorkerGroup* workers,
                     LeaderLink* link, Say say, std::function<void(int)> on_end)
    : options_(options),
      loop_(loop),
      workers_(workers),
      link_(link),
      say_(std::move(say)),
      on_end_(std::move(on_end)),
      wait_(loop, say_) {}

void NodeAgent::Start() {
  LeaderLink::Callbacks callbacks;
  callbacks.on_message = [this](const LeaderMessage& message) { OnMessage(message); };
  callbacks.on_waiting = [this](const std::string& text, int seconds) {
    if (!ending_) wait_.Set(text, absl::Seconds(seconds));
  };
  callbacks.on_lost = [this](const std::string& why) {
    if (ending_) return;
    say_(why);
    End(kFailed, SIGTERM, options_.stop_grace);
  };
  link_->Open(std::move(callbacks));
  Tell(NodeMessage::Kind::kHello);
}

void NodeAgent::Tell(NodeMessage::Kind kind, const std::string& text, bool fatal) {
  NodeMessage message;
  message.kind = kind;
  message.round = round_;
  if (kind == NodeMessage::Kind::kHello) message.facts = options_.facts;
  message.text = text;
  message.fatal = fatal;
  link_->Send(message);
}

void NodeAgent::OnMessage(const LeaderMessage& message) {
  DCHECK(loop_->OnLoop());
  if (ending_) return;
  switch (message.kind) {
    case LeaderMessage::Kind::kRefused:
      say_(absl::StrCat("refused: ", message.text));
      return End(kFailed, SIGTERM, options_.stop_grace);
    case LeaderMessage::Kind::kWaiting:
      return wait_.Set(message.text, absl::Seconds(message.seconds));
    case LeaderMessage::Kind::kWorld:
      return OnWorld(message);
    case LeaderMessage::Kind::kStop:
      return StopForRestart(message);
    case LeaderMessage::Kind::kFail:
      return OnJobFailed(message);
    case LeaderMessage::Kind::kSuccess:
      return End(0, SIGTERM, options_.stop_grace);
    case LeaderMessage::Kind::kAlive:
      return;
  }
}

void NodeAgent::OnWorld(const LeaderMessage& message) {
  wait_.Clear();
  round_ = message.round;
  const absl::Status status = workers_->Start(message.place);
  if (status.ok()) return;
  // No restart finds a program that is not there.
  say_(std::string(status.message()));
  Tell(NodeMessage::Kind::kLeaving, std::string(status.message()), /*fatal=*/true);
  End(kFailed, SIGKILL, absl::ZeroDuration());
}

void NodeAgent::OnWorkerFailed(const WorkerFailure& failure) {
  if (ending_ || stopping_) return;
  NodeMessage message;
  message.kind = NodeMessage::Kind::kFailed;
  message.round = round_;
  message.failure = failure;
  link_->Send(message);
}

void NodeAgent::OnWorkersSucceeded() {
  if (ending_ || stopping_) return;
  Tell(NodeMessage::Kind::kSucceeded);
}

void NodeAgent::StopForRestart(const LeaderMessage& message) {
  round_ = message.round;
  if (std::exchange(stopping_, true)) return;
  say_(message.text);
  workers_->Stop(SIGTERM, options_.stop_grace, [this] {
    stopping_ = false;
    if (!ending_) Tell(NodeMessage::Kind::kStopped);
  });
}

void NodeAgent::OnJobFailed(const LeaderMessage& message) {
  root_ = message.failure;
  say_(absl::StrCat(message.text, "; stopping"));
  End(kFailed, SIGTERM, options_.stop_grace);
}

void NodeAgent::OnSignal(int signal) {
  if (std::exchange(signalled_, true)) return workers_->Stop(SIGKILL, absl::ZeroDuration(), [] {});
  const std::string name = SignalName(signal);
  say_(absl::StrCat("got ", name, "; stopping ", workers_->running(), " workers"));
  if (ending_) return;  // And goes on ending: the signal changes nothing.
  Tell(NodeMessage::Kind::kLeaving, absl::StrCat("its torchrun got ", name), options_.leads);
  End(128 + signal, signal, options_.stop_grace);
}

void NodeAgent::End(int exit_code, int signal, absl::Duration grace) {
  if (std::exchange(ending_, true)) return;
  exit_code_ = exit_code;
  wait_.Clear();
  left_to_end_ = 2;
  workers_->Stop(signal, grace, [this] { EndedOne(); });
  link_->Close([this] { EndedOne(); });
}

void NodeAgent::EndedOne() {
  if (--left_to_end_ > 0) return;
  if (root_) {
    std::vector<WorkerFailure> others;
    for (const WorkerFailure& failure : workers_->failures()) {
      if (failure.rank != root_->rank) others.push_back(failure);
    }
    // The exception's name as Python prints it, for those who look for it in logs.
    say_(absl::StrCat("torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
                      FailureTable(options_.title, *root_, others, absl::LocalTimeZone())));
  }
  PassErrorFileOn();
  on_end_(exit_code_);
}

void NodeAgent::PassErrorFileOn() const {
  if (!root_ || root_->error_file.empty() || options_.parent_error_file.empty()) return;
  const absl::StatusOr<std::string> json = ReadFile(root_->error_file);
  if (!json.ok()) return;  // Another host's.
  const absl::Status status =
      WriteFile(options_.parent_error_file, ErrorFileForParent(*json, root_->exit_code), 0666);
  if (!status.ok()) say_(std::string(status.message()));
}

}  // namespace muster

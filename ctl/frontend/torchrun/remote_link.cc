#include "ctl/frontend/torchrun/remote_link.h"

#include <sys/epoll.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ctl/frontend/torchrun/sockets.h"

namespace muster {
namespace {

constexpr absl::Duration kTryEvery = absl::Milliseconds(500);
constexpr absl::Duration kOneTry = absl::Seconds(5);
// For the first word of who listens; a leader's host may be busy.
constexpr absl::Duration kSilent = absl::Seconds(30);

}  // namespace

RemoteLink::RemoteLink(EventLoop* loop, std::string host, int port, absl::Duration join_timeout)
    : loop_(loop), host_(std::move(host)), port_(port), join_timeout_(join_timeout) {}

RemoteLink::~RemoteLink() {
  *alive_ = false;
  loop_->Cancel(timer_);
  if (connecting_.valid()) loop_->Unwatch(connecting_.get());
}

void RemoteLink::Open(Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  deadline_ = loop_->clock()->Boot() + join_timeout_;
  timer_ = loop_->After(absl::ZeroDuration(), [this] { Try(); });
}

void RemoteLink::Send(const NodeMessage& message) {
  if (closed_) return;
  if (channel_ != nullptr) return channel_->Send(Encode(message));
  if (message.kind == NodeMessage::Kind::kHello) unsent_ = Encode(message);
}

void RemoteLink::Close(std::function<void()> done) {
  closed_ = true;
  loop_->Cancel(timer_);
  // The kernel delivers what was sent: the leader reads it before the end of the stream.
  std::shared_ptr<FrameChannel> channel = std::move(channel_);
  loop_->Post([channel, done = std::move(done)] { done(); });
}

void RemoteLink::Try() {
  absl::StatusOr<UniqueFd> fd = StartConnect(host_, port_, attempts_++);
  if (!fd.ok()) return TryLater(std::string(fd.status().message()));
  connecting_ = *std::move(fd);
  loop_->Watch(connecting_.get(), EPOLLOUT, [this](uint32_t) { OnDecided(); });
  timer_ = loop_->After(kOneTry, [this] {
    loop_->Unwatch(connecting_.get());
    connecting_.reset();
    TryLater("no answer");
  });
}

void RemoteLink::OnDecided() {
  loop_->Cancel(timer_);
  loop_->Unwatch(connecting_.get());
  const absl::Status status = ConnectResult(connecting_.get());
  if (!status.ok()) {
    connecting_.reset();
    return TryLater(std::string(status.message()));
  }
  channel_ = std::make_unique<FrameChannel>(
      loop_, std::move(connecting_), [this](absl::string_view bytes) { OnFrame(bytes); },
      [this](const std::string& why) { OnClosed(why); });
  channel_->Send(unsent_);
  answer_deadline_ = std::min(deadline_, loop_->clock()->Boot() + kSilent);
  timer_ = loop_->After(kTryEvery, [this] { AwaitAnswer(); });
}

void RemoteLink::AwaitAnswer() {
  if (closed_ || channel_->heard_any()) return;
  const absl::Duration left = answer_deadline_ - loop_->clock()->Boot();
  if (left <= absl::ZeroDuration()) {
    return Lose(absl::StrCat("rendezvous at ", Where(),
                             ": gave up: who listens there says nothing; does another program "
                             "have that port?"));
  }
  callbacks_.on_waiting(
      absl::StrCat("who listens at ", Where(),
                   " says nothing; a torchrun would, another program may have that port"),
      static_cast<int>(absl::ToInt64Seconds(absl::Ceil(left, absl::Seconds(1)))));
  timer_ = loop_->After(std::min(left, kTryEvery), [this] { AwaitAnswer(); });
}

void RemoteLink::OnClosed(const std::string& why) {
  loop_->Cancel(timer_);
  if (answered_) {
    return Lose(absl::StrCat("lost the rendezvous at ", Where(), ": ", why,
                             "; its launcher ended or its host is gone"));
  }
  Lose(absl::StrCat("rendezvous at ", Where(), ": no answer of a torchrun like this one: ", why,
                    "; does another program have that port, or did torchrun there end?"));
}

void RemoteLink::TryLater(const std::string& why) {
  if (loop_->clock()->Boot() >= deadline_) {
    return Lose(absl::StrCat("rendezvous at ", Where(), ": gave up after ",
                             absl::FormatDuration(join_timeout_), ": ", why,
                             "; is torchrun running on that host?"));
  }
  const absl::Duration left = deadline_ - loop_->clock()->Boot();
  callbacks_.on_waiting(absl::StrCat("the rendezvous at ", Where(), " is not there yet (", why,
                                     "); torchrun on that host opens it"),
                        static_cast<int>(absl::ToInt64Seconds(left)));
  timer_ = loop_->After(kTryEvery, [this] { Try(); });
}

void RemoteLink::OnFrame(absl::string_view bytes) {
  const std::optional<LeaderMessage> message = DecodeLeaderMessage(bytes);
  if (!message) {
    return Lose(absl::StrCat("who listens at ", Where(),
                             " is no launcher of this kind; the real torchrun and this one do not "
                             "form one job"));
  }
  answered_ = true;
  if (!closed_) callbacks_.on_message(*message);
}

void RemoteLink::Lose(const std::string& why) {
  if (std::exchange(closed_, true)) return;
  loop_->Post([this, alive = alive_, why] {
    if (!*alive) return;
    channel_.reset();
    callbacks_.on_lost(why);
  });
}

std::string RemoteLink::Where() const { return HostPort(host_, port_); }

}  // namespace muster

#include "ctl/frontend/torchrun/leader.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "glog/logging.h"

namespace muster {
namespace {

constexpr int kHere = 0;
constexpr size_t kMaxGuests = 1024;
// How long the end of the job waits for the others to have heard of it.
constexpr absl::Duration kLastWords = absl::Seconds(5);
// How long a connection may stay without a hello, or after a refusal.
constexpr absl::Duration kSilentGuest = absl::Seconds(10);
// Where no descriptor is left, those who come wait in the kernel.
constexpr absl::Duration kFull = absl::Seconds(1);

}  // namespace

Leader::Leader(const Coordinator::Options& options, EventLoop* loop, UniqueFd listener,
               Coordinator::PickPort pick_port)
    : loop_(loop),
      listener_(std::move(listener)),
      coordinator_(
          options, loop, [this](int node, const LeaderMessage& message) { SendTo(node, message); },
          std::move(pick_port)) {}

Leader::~Leader() {
  *alive_ = false;
  loop_->Cancel(close_timer_);
  if (listener_.valid()) loop_->Unwatch(listener_.get());
}

void Leader::Open(Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  coordinator_.Start();
  if (listener_.valid()) {
    loop_->Watch(listener_.get(), EPOLLIN, [this](uint32_t) { Accept(); });
  }
}

void Leader::Send(const NodeMessage& message) {
  loop_->Post([this, alive = alive_, message] {
    if (*alive) coordinator_.OnMessage(kHere, message);
  });
}

void Leader::Close(std::function<void()> done) {
  closing_ = true;
  done_ = std::move(done);
  close_timer_ = loop_->After(kLastWords, [this] {
    guests_.clear();
    Finish();
  });
  loop_->Post([this, alive = alive_] {
    if (*alive) Finish();
  });
}

void Leader::Accept() {
  UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.valid() && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
    loop_->Rewatch(listener_.get(), 0);
    loop_->After(kFull, [this, alive = alive_] {
      if (*alive) loop_->Rewatch(listener_.get(), EPOLLIN);
    });
  }
  if (!fd.valid() || guests_.size() >= kMaxGuests) return;
  const int id = next_id_++;
  guests_[id].channel = std::make_unique<FrameChannel>(
      loop_, std::move(fd), [this, id](absl::string_view bytes) { OnFrame(id, bytes); },
      [this, id](const std::string& why) { OnGone(id, why); });
  DropSoonUnless([](const Guest& guest) { return guest.introduced; }, id);
}

void Leader::DropSoonUnless(bool (*is_welcome)(const Guest& guest), int id) {
  loop_->After(kSilentGuest, [this, alive = alive_, is_welcome, id] {
    if (!*alive) return;
    const auto found = guests_.find(id);
    if (found == guests_.end() || is_welcome(found->second)) return;
    guests_.erase(found);
    if (closing_) Finish();
  });
}

void Leader::OnFrame(int id, absl::string_view bytes) {
  Guest& guest = guests_.at(id);
  if (guest.refused) return;
  const std::optional<NodeMessage> message = DecodeNodeMessage(bytes);
  if (!message || (!guest.introduced && message->kind != NodeMessage::Kind::kHello)) {
    LeaderMessage refusal;
    refusal.kind = LeaderMessage::Kind::kRefused;
    refusal.text = "another version of this launcher leads the job; use the same one everywhere";
    return SendTo(id, refusal);
  }
  guest.introduced = true;
  coordinator_.OnMessage(id, *message);
}

void Leader::OnGone(int id, const std::string& why) {
  // From within the channel, which is destroyed in the next turn.
  Drop(id);
  coordinator_.OnLost(id, why);
  if (closing_) Finish();
}

void Leader::Drop(int id) {
  const auto found = guests_.find(id);
  if (found == guests_.end()) return;
  std::shared_ptr<FrameChannel> channel = std::move(found->second.channel);
  guests_.erase(found);
  loop_->Post([channel] {});
}

void Leader::SendTo(int id, const LeaderMessage& message) {
  if (id == kHere) {
    loop_->Post([this, alive = alive_, message] {
      if (*alive && !closing_ && callbacks_.on_message) callbacks_.on_message(message);
    });
    return;
  }
  const auto found = guests_.find(id);
  if (found == guests_.end()) return;
  found->second.channel->Send(Encode(message));
  if (message.kind != LeaderMessage::Kind::kRefused) return;
  found->second.refused = true;
  DropSoonUnless([](const Guest& guest) { return !guest.refused; }, id);
}

// The guests close their connections when they have heard how the job ended.
void Leader::Finish() {
  if (!done_ || !guests_.empty()) return;
  loop_->Cancel(close_timer_);
  std::exchange(done_, nullptr)();
}

}  // namespace muster

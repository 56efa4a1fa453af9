#include "ctl/client/node_logs.h"

#include <algorithm>
#include <utility>

namespace muster {
namespace {

constexpr int kMaxDamaged = 5;
constexpr absl::Duration kTellTroubleAfter = absl::Seconds(1);
// A host is told of its gang before anybody is told that the gang starts, or a moment later.
constexpr int kMaxUnknownSinceOver = 3;

}  // namespace

NodeLogs::NodeLogs(JobSource* source, EventLoop* loop, std::string agent_address,
                   const CursorBook::Options& wanted, absl::Duration give_up_after,
                   Callbacks callbacks)
    : source_(source),
      loop_(loop),
      agent_address_(std::move(agent_address)),
      callbacks_(std::move(callbacks)),
      book_(wanted),
      reconnect_(loop->clock(), give_up_after) {
  Open();
}

NodeLogs::~NodeLogs() {
  if (timer_ != 0) loop_->Cancel(timer_);
}

void NodeLogs::AttemptOver() { over_ = true; }

void NodeLogs::Open() {
  timer_ = 0;
  stream_ = source_->ReadLogs(
      agent_address_, book_.NextRequest(),
      [this](const v1::ReadLogsResponse& message) { Received(message); },
      [this](const absl::Status& status) { Ended(status); });
}

void NodeLogs::Received(const v1::ReadLogsResponse& message) {
  reconnect_.Heard();
  trouble_ = absl::OkStatus();
  trouble_told_ = false;
  v1::ReadLogsResponse taken = message;
  bool has_news = false;
  const absl::Status status = book_.Take(&taken, &has_news);
  if (!status.ok()) return Ended(status);
  if (has_news) callbacks_.on_message(taken);
  stream_->Next();
}

void NodeLogs::Ended(const absl::Status& status) {
  stream_ = nullptr;
  if (status.ok()) {
    book_.StreamDone();
    trouble_ = absl::OkStatus();
    if (book_.Complete()) return Done(absl::OkStatus());
    return Open();
  }
  book_.StreamBroken();
  if (book_.Complete()) return Done(absl::OkStatus());
  const bool unknown = absl::IsNotFound(status);
  trouble_ = unknown ? absl::OkStatus() : status;  // It has answered: it knows nothing of it.
  if (unknown && over_ && ++unknown_since_over_ > kMaxUnknownSinceOver) return Done(status);
  if (absl::IsDataLoss(status) && ++damaged_ > kMaxDamaged) return Done(status);
  if (!unknown && !IsLostContact(status)) return Done(status);
  const std::optional<absl::Duration> wait = reconnect_.Next();
  if (!wait.has_value()) return Done(status);
  if (!unknown && reconnect_.Absence() >= kTellTroubleAfter && !trouble_told_) {
    trouble_told_ = true;
    callbacks_.on_trouble(status);
  }
  timer_ = loop_->After(*wait, [this] { Open(); });
}

void NodeLogs::Done(const absl::Status& status) {
  const auto on_done = callbacks_.on_done;
  on_done(status);
}

}  // namespace muster

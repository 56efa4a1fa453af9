// What the supervisor and the agent say to each other.
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/shim/codec.h"
#include "agent/shim/kernel.h"
#include "agent/shim/supervisor.h"
#include "common/base/failpoint.h"
#include "common/base/protocol.h"

namespace muster {

void Supervisor::Replay() {
  outputs_.UnsubscribeAll();
  for (size_t index = 0; Planted("lose_log_chunk") && index < slots_.size(); ++index) {
    char chunk[4096];
    if (read(outputs_.pipe(static_cast<int>(index), false), chunk, sizeof(chunk)) < 0) continue;
  }
  Encoder hello;
  hello.I32(getpid());
  hello.U32(static_cast<uint32_t>(slots_.size()));
  hello.Text(parts_.program);
  parts_.link->Send(FrameType::kHello, hello.bytes());
  std::vector<NamedDescriptor> descriptors;
  for (size_t index = 0; index < slots_.size(); ++index) {
    const RankSlot& slot = slots_[index];
    if (slot.has_started) SendRecord(FrameType::kStarted, slot.started);
    for (const bool is_stderr : {false, true}) {
      const int64_t length = outputs_.length(static_cast<int>(index), is_stderr);
      if (length > 0) SendLength(static_cast<int>(index), is_stderr, length);
    }
    AddDescriptors(index, &descriptors);
  }
  std::vector<const JournalRecord*> exits;  // In the order in which they happened.
  for (const RankSlot& slot : slots_) {
    if (slot.has_exit) exits.push_back(&slot.exit);
  }
  std::sort(exits.begin(), exits.end(), [](const JournalRecord* a, const JournalRecord* b) {
    return a->boottime_ns < b->boottime_ns;
  });
  for (const JournalRecord* exit : exits) SendRecord(FrameType::kExit, *exit);
  parts_.link->SendDescriptors(descriptors);
  parts_.link->Flush();
}

void Supervisor::ReadAgent() {
  const bool open = parts_.link->Receive();
  Frame frame;
  while (parts_.link->Next(&frame)) OnFrame(frame);
  if (!open) {
    parts_.link->Drop();
    outputs_.UnsubscribeAll();
  }
}

// Before the first rank: the lease of the plan may have run out on the way here, by a slow disk or
// a host that slept. What the agent says right after it has started us counts then.
void Supervisor::SettleLease() {
  constexpr int kWaitMs = 5000;
  const int64_t end = fence_.NextDeadlineNs();
  if (end >= 0 && end <= BootNs() && parts_.link->connected() &&
      parts_.link->WaitReadable(kWaitMs)) {
    ReadAgent();
  }
  running_ = true;
  KeepFence(BootNs());
}

void Supervisor::TakeLease(int64_t epoch, int64_t until_ns, int64_t grace_ms) {
  if (running_) {
    fence_.Renew(epoch, until_ns, grace_ms, BootNs());
  } else {
    fence_.Resume(epoch, until_ns, grace_ms);
  }
}

void Supervisor::KeepFence(int64_t now_ns) {
  int64_t grace_ms = 0;
  if (Planted("skip_fence_check")) return;
  if (fence_.Fire(now_ns, &grace_ms)) stopper_.Stop(grace_ms, now_ns);
}

void Supervisor::OnFrame(const Frame& frame) {
  Decoder in(frame.payload);
  switch (frame.type) {
    case FrameType::kStop: {
      const int64_t grace_ms = in.I64();
      if (in.ok()) stopper_.Stop(grace_ms, BootNs());
      break;
    }
    case FrameType::kRestart: {
      const auto index = static_cast<size_t>(in.I32());
      const int restart = in.I32();
      if (!in.ok() || index >= slots_.size()) break;
      RankSlot& slot = slots_[index];
      if (slot.state != RankSlot::State::kEnded || restart <= slot.restart) break;  // A repeat.
      if (fence_.fenced()) break;  // The gang may be starting elsewhere.
      slot.wanted_restart = restart;
      restarts_wanted_ = true;
      break;
    }
    case FrameType::kSubscribe: {
      const auto index = static_cast<size_t>(in.I32());
      const bool is_stderr = in.Bool();
      const bool on = in.Bool();
      if (in.ok() && index < slots_.size()) {
        outputs_.Subscribe(static_cast<int>(index), is_stderr, on);
      }
      break;
    }
    case FrameType::kReaped: {
      const auto index = static_cast<size_t>(in.I32());
      const int restart = in.I32();
      const int status = in.I32();
      if (!in.ok() || index >= slots_.size() || slots_[index].is_child ||
          slots_[index].restart != restart) {
        break;
      }
      slots_[index].told = true;
      slots_[index].told_status = status;
      NoteGone(index);
      break;
    }
    case FrameType::kLease: {
      if (!SpeaksLeases()) break;
      const int64_t epoch = in.I64();
      const int64_t until_ns = in.I64();
      const int64_t grace_ms = in.I64();
      if (in.ok()) TakeLease(epoch, until_ns, grace_ms);
      break;
    }
    default:
      break;  // Of a newer minor version.
  }
}

void Supervisor::AddDescriptors(size_t index, std::vector<NamedDescriptor>* descriptors) const {
  const RankSlot& slot = slots_[index];
  const int number = static_cast<int>(index);
  const auto add = [&](DescriptorKind kind, int fd) {
    if (fd >= 0) descriptors->push_back({number, slot.restart, kind, fd});
  };
  add(DescriptorKind::kOut, outputs_.pipe(number, false));
  add(DescriptorKind::kErr, outputs_.pipe(number, true));
  add(DescriptorKind::kPidfd, slot.pidfd.get());
}

void Supervisor::SendRecord(FrameType type, const JournalRecord& record) {
  if (parts_.link->connected()) parts_.link->Send(type, EncodeJournalRecord(record));
}

void Supervisor::SendLength(int index, bool is_stderr, int64_t length) {
  Encoder out;
  out.I32(index);
  out.Bool(is_stderr);
  out.I64(length);
  parts_.link->Send(FrameType::kGrew, out.bytes());
}

}  // namespace muster

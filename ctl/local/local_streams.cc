#include "ctl/local/local_streams.h"

#include "absl/time/time.h"
#include "common/rpc/crc32c.h"

namespace muster {
namespace {

v1::ReadLogsResponse ToMessage(OutputFrame frame) {
  v1::ReadLogsResponse message;
  const v1::OutputStream stream =
      frame.is_stderr ? v1::OUTPUT_STREAM_STDERR : v1::OUTPUT_STREAM_STDOUT;
  if (frame.end) {
    v1::LogEnd* end = message.mutable_end();
    end->set_role(frame.role);
    end->set_rank(frame.rank);
    end->set_stream(stream);
    end->set_length(frame.end_length);
  } else if (frame.piece.gap_length > 0) {
    v1::LogGap* gap = message.mutable_gap();
    gap->set_role(frame.role);
    gap->set_rank(frame.rank);
    gap->set_stream(stream);
    gap->set_offset(frame.piece.offset);
    gap->set_length(frame.piece.gap_length);
    gap->set_reason(frame.piece.gap_reason);
  } else {
    v1::LogChunk* chunk = message.mutable_chunk();
    chunk->set_role(frame.role);
    chunk->set_rank(frame.rank);
    chunk->set_stream(stream);
    chunk->set_offset(frame.piece.offset);
    chunk->set_crc32c(Crc32c(frame.piece.data));
    chunk->set_time_ns(absl::ToUnixNanos(frame.piece.time));
    chunk->set_data(std::move(frame.piece.data));
  }
  return message;
}

}  // namespace

void LocalWatch::Begin() {
  std::weak_ptr<LocalWatch> weak = std::static_pointer_cast<LocalWatch>(shared_from_this());
  absl::StatusOr<uint64_t> watch =
      engine()->scheduler()->Watch(job_id_, [weak](const v1::Job& job) {
        const std::shared_ptr<LocalWatch> self = weak.lock();
        if (self == nullptr) return;
        self->news_ = job;
        self->Pump();
      });
  if (!watch.ok()) return End(watch.status());
  watch_ = *watch;
}

void LocalWatch::Wanted() {
  wanted_ = true;
  Pump();
}

void LocalWatch::Pump() {
  if (!wanted_ || !news_.has_value()) return;
  wanted_ = false;
  v1::WatchJobResponse response;
  *response.mutable_job() = *std::exchange(news_, std::nullopt);
  Send(std::move(response));
}

void LocalWatch::Close() {
  if (watch_.has_value()) engine()->scheduler()->Unwatch(*watch_);
  watch_.reset();
}

void LocalLogs::Begin() {
  std::weak_ptr<LocalLogs> weak = std::static_pointer_cast<LocalLogs>(shared_from_this());
  absl::StatusOr<std::unique_ptr<OutputFanIn>> opened =
      OutputFanIn::Open(engine()->gangs(), request_, /*on_data=*/[weak] {
        if (const std::shared_ptr<LocalLogs> self = weak.lock()) self->PumpLater();
      });
  if (!opened.ok()) return End(opened.status());
  fan_in_ = *std::move(opened);
  Pump();
}

void LocalLogs::Wanted() {
  wanted_ = true;
  Pump();
}

void LocalLogs::PumpLater() {
  if (std::exchange(pump_posted_, true)) return;
  engine()->loop()->Post([self = std::static_pointer_cast<LocalLogs>(shared_from_this())] {
    self->pump_posted_ = false;
    self->Pump();
  });
}

void LocalLogs::Pump() {
  if (!wanted_ || fan_in_ == nullptr) return;
  absl::StatusOr<std::optional<OutputFrame>> next = fan_in_->Next();
  if (!next.ok()) {
    fan_in_ = nullptr;
    return End(next.status());
  }
  if (next->has_value()) {
    wanted_ = false;
    return Send(ToMessage(**std::move(next)));
  }
  if (!fan_in_->Done()) return;
  fan_in_ = nullptr;
  End(absl::OkStatus());
}

void LocalLogs::Close() { fan_in_ = nullptr; }

}  // namespace muster

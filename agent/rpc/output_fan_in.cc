#include "agent/rpc/output_fan_in.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int kMaxCursors = 4096;

absl::Status CheckRequest(const v1::ReadLogsRequest& request) {
  if (request.job_id().empty()) return absl::InvalidArgumentError("job_id is empty");
  if (request.tail_lines() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("tail_lines is ", request.tail_lines(), ", it must not be negative"));
  }
  if (request.cursors_size() > kMaxCursors) {
    return absl::InvalidArgumentError(absl::StrCat(request.cursors_size(),
                                                   " cursors, one call takes ", kMaxCursors,
                                                   "; read the rest in another"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::LogCursor>> CursorsOf(Gangs* gangs,
                                                     const v1::ReadLogsRequest& request) {
  if (request.cursors_size() > 0) {
    return std::vector<v1::LogCursor>(request.cursors().begin(), request.cursors().end());
  }
  MUSTER_ASSIGN_OR_RETURN(const auto ranks, gangs->RanksOf(request.job_id(), request.attempt()));
  std::vector<v1::LogCursor> cursors;
  for (const auto& [role, rank] : ranks) {
    v1::LogCursor& cursor = cursors.emplace_back();
    cursor.set_role(role);
    cursor.set_rank(rank);
  }
  return cursors;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFanIn>> OutputFanIn::Open(Gangs* gangs,
                                                               const v1::ReadLogsRequest& request,
                                                               std::function<void()> on_data) {
  MUSTER_RETURN_IF_ERROR(CheckRequest(request));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<v1::LogCursor> cursors, CursorsOf(gangs, request));
  std::unique_ptr<OutputFanIn> fan_in(new OutputFanIn(request.follow(), std::move(on_data)));
  for (const v1::LogCursor& cursor : cursors) {
    if (cursor.stream() != v1::OUTPUT_STREAM_STDERR) {
      MUSTER_RETURN_IF_ERROR(fan_in->Add(gangs, request, cursor, /*is_stderr=*/false));
    }
    if (cursor.stream() != v1::OUTPUT_STREAM_STDOUT) {
      MUSTER_RETURN_IF_ERROR(fan_in->Add(gangs, request, cursor, /*is_stderr=*/true));
    }
  }
  return fan_in;
}

absl::Status OutputFanIn::Add(Gangs* gangs, const v1::ReadLogsRequest& request,
                              const v1::LogCursor& cursor, bool is_stderr) {
  MUSTER_ASSIGN_OR_RETURN(OutputLog * log,
                          gangs->FindOutput(request.job_id(), request.attempt(), cursor.role(),
                                            cursor.rank(), is_stderr));
  int64_t offset = cursor.offset();
  if (request.tail_lines() > 0) {
    MUSTER_ASSIGN_OR_RETURN(offset, log->OffsetOfLastLines(request.tail_lines()));
  }
  const size_t index = streams_.size();
  MUSTER_ASSIGN_OR_RETURN(std::unique_ptr<OutputReader> reader,
                          log->Read(offset, [this, index] { Ready(index); }));
  Stream stream;
  stream.role = cursor.role();
  stream.rank = cursor.rank();
  stream.is_stderr = is_stderr;
  stream.reader = std::move(reader);
  stream.ready = true;
  streams_.push_back(std::move(stream));
  ready_.push_back(index);
  ++open_;
  return absl::OkStatus();
}

void OutputFanIn::Ready(size_t index) {
  if (index >= streams_.size()) return;  // Still being opened; it is ready then anyway.
  Stream& stream = streams_[index];
  if (stream.ready || stream.reader == nullptr) return;
  stream.ready = true;
  ready_.push_back(index);
  on_data_();
}

absl::StatusOr<std::optional<OutputFrame>> OutputFanIn::Next() {
  while (!ready_.empty()) {
    const size_t index = ready_.front();
    ready_.pop_front();
    Stream& stream = streams_[index];
    stream.ready = false;
    MUSTER_ASSIGN_OR_RETURN(std::optional<OutputFrame> frame, Take(&stream));
    if (!frame.has_value()) continue;
    if (stream.reader != nullptr) {  // To the end of the queue: the others come first.
      stream.ready = true;
      ready_.push_back(index);
    }
    return frame;
  }
  return std::optional<OutputFrame>();
}

absl::StatusOr<std::optional<OutputFrame>> OutputFanIn::Take(Stream* stream) {
  OutputFrame frame;
  frame.role = stream->role;
  frame.rank = stream->rank;
  frame.is_stderr = stream->is_stderr;
  MUSTER_ASSIGN_OR_RETURN(std::optional<OutputPiece> piece, stream->reader->Next());
  if (piece.has_value()) {
    frame.piece = *std::move(piece);
    return std::optional<OutputFrame>(std::move(frame));
  }
  if (stream->reader->AtEnd()) {
    frame.end = true;
    frame.end_length = stream->reader->offset();
    Close(stream);
    return std::optional<OutputFrame>(std::move(frame));
  }
  if (!follow_) Close(stream);  // All that there is was given.
  return std::optional<OutputFrame>();
}

void OutputFanIn::Close(Stream* stream) {
  stream->reader = nullptr;
  --open_;
}

}  // namespace muster

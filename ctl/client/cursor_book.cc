#include "ctl/client/cursor_book.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/rpc/crc32c.h"

namespace muster {

CursorBook::CursorBook(const Options& options)
    : options_(options), tails_read_(options.tail_lines == 0) {
  for (const Rank& rank : options.ranks) {
    for (const v1::OutputStream stream : {v1::OUTPUT_STREAM_STDOUT, v1::OUTPUT_STREAM_STDERR}) {
      const bool wanted =
          stream == v1::OUTPUT_STREAM_STDOUT ? options.want_stdout : options.want_stderr;
      if (!wanted) continue;
      streams_[Key(rank.role, rank.rank, stream)].next = tails_read_ ? 0 : -1;
    }
  }
}

v1::ReadLogsRequest CursorBook::NextRequest() const {
  v1::ReadLogsRequest request;
  request.set_job_id(options_.job_id);
  request.set_attempt(options_.attempt);
  request.set_follow(options_.follow && tails_read_);
  // In the tail's phase only streams of which nothing has come: the others go on from where they
  // are in the phase after it, or were read whole.
  if (!tails_read_) request.set_tail_lines(options_.tail_lines);
  for (const auto& [key, stream] : streams_) {
    if (stream.ended || (!tails_read_ && stream.next >= 0)) continue;
    v1::LogCursor* cursor = request.add_cursors();
    cursor->set_role(std::get<0>(key));
    cursor->set_rank(std::get<1>(key));
    cursor->set_stream(std::get<2>(key));
    cursor->set_offset(std::max<int64_t>(stream.next, 0));
  }
  return request;
}

absl::Status CursorBook::Take(v1::ReadLogsResponse* message, bool* has_news) {
  *has_news = false;
  if (message->has_chunk()) return TakeChunk(message->mutable_chunk(), has_news);
  if (message->has_gap()) {
    v1::LogGap* gap = message->mutable_gap();
    const auto it = streams_.find(Key(gap->role(), gap->rank(), gap->stream()));
    if (it == streams_.end()) return absl::OkStatus();
    const int64_t end = gap->offset() + gap->length();
    if (end <= it->second.next) return absl::OkStatus();
    it->second.next = end;
    *has_news = true;
  }
  if (message->has_end()) {
    const v1::LogEnd& end = message->end();
    const auto it = streams_.find(Key(end.role(), end.rank(), end.stream()));
    if (it == streams_.end() || it->second.ended) return absl::OkStatus();
    if (it->second.next >= 0 && end.length() > it->second.next) {
      return absl::DataLossError(absl::StrCat("output of ", end.role(), " ", end.rank(),
                                              " ended at byte ", end.length(), ", expected at ",
                                              it->second.next));
    }
    it->second.next = end.length();
    it->second.ended = true;
    *has_news = true;
  }
  return absl::OkStatus();
}

absl::Status CursorBook::TakeChunk(v1::LogChunk* chunk, bool* has_news) {
  const auto it = streams_.find(Key(chunk->role(), chunk->rank(), chunk->stream()));
  if (it == streams_.end()) return absl::OkStatus();
  Stream& stream = it->second;
  const std::string where =
      absl::StrCat("output of ", chunk->role(), " ", chunk->rank(), " at byte ", chunk->offset());
  if (Crc32c(chunk->data()) != chunk->crc32c()) {
    return absl::DataLossError(absl::StrCat(where, ": damaged on its way"));
  }
  if (stream.next < 0) stream.next = chunk->offset();
  if (chunk->offset() > stream.next) {
    return absl::DataLossError(absl::StrCat(where, ": expected byte ", stream.next));
  }
  const int64_t old = stream.next - chunk->offset();
  const int64_t size = static_cast<int64_t>(chunk->data().size());
  if (size <= old) return absl::OkStatus();
  if (old > 0) {
    chunk->mutable_data()->erase(0, static_cast<size_t>(old));
    chunk->set_offset(stream.next);
    chunk->set_crc32c(Crc32c(chunk->data()));
  }
  stream.next = chunk->offset() + static_cast<int64_t>(chunk->data().size());
  *has_news = true;
  return absl::OkStatus();
}

void CursorBook::StreamDone() {
  if (tails_read_) {
    all_read_ = true;
    return;
  }
  tails_read_ = true;
  all_read_ = !options_.follow && !broken_;
  for (auto& [key, stream] : streams_) stream.next = std::max<int64_t>(stream.next, 0);
}

bool CursorBook::Complete() const {
  if (all_read_) return true;
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const auto& entry) { return entry.second.ended; });
}

}  // namespace muster

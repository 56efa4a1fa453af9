#include "tests/fakes/fake_output_log.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace muster {
namespace {

constexpr int64_t kMaxPiece = 64 << 10;

}  // namespace

class FakeOutputLog::Reader final : public OutputReader {
 public:
  Reader(FakeOutputLog* log, int64_t offset, std::function<void()> on_data)
      : log_(log), offset_(offset), on_data_(std::move(on_data)) {
    log_->readers_.insert(this);
  }
  ~Reader() override { log_->readers_.erase(this); }

  absl::StatusOr<std::optional<OutputPiece>> Next() override {
    if (!log_->failure_.ok()) return log_->failure_;
    OutputPiece piece;
    piece.offset = offset_;
    piece.time = absl::UnixEpoch() + absl::Seconds(1);
    if (offset_ < log_->dropped_) {
      piece.gap_length = log_->dropped_ - offset_;
      piece.gap_reason = log_->drop_reason_;
      offset_ = log_->dropped_;
      return std::optional<OutputPiece>(piece);
    }
    const int64_t left = std::min(kMaxPiece, log_->length() - offset_);
    if (left <= 0) return std::optional<OutputPiece>();
    piece.data = log_->bytes_.substr(offset_, left);
    offset_ += left;
    ++log_->pieces_taken_;
    return std::optional<OutputPiece>(piece);
  }
  bool AtEnd() const override { return log_->ended_ && offset_ >= log_->length(); }
  int64_t offset() const override { return offset_; }
  void Tell() { on_data_(); }

 private:
  FakeOutputLog* const log_;
  int64_t offset_;
  const std::function<void()> on_data_;
};

void FakeOutputLog::Append(const std::string& bytes) {
  bytes_ += bytes;
  Tell();
}

void FakeOutputLog::End() {
  ended_ = true;
  Tell();
}

void FakeOutputLog::Drop(int64_t length, const std::string& reason) {
  dropped_ = length;
  drop_reason_ = reason;
}

absl::StatusOr<std::unique_ptr<OutputReader>> FakeOutputLog::Read(int64_t offset,
                                                                  std::function<void()> on_data) {
  if (offset < 0) offset = std::max<int64_t>(0, length() + offset);
  if (ended_ && offset > length()) return absl::OutOfRangeError("past the end");
  return std::unique_ptr<OutputReader>(new Reader(this, offset, std::move(on_data)));
}

absl::StatusOr<int64_t> FakeOutputLog::OffsetOfLastLines(int lines) {
  int64_t offset = length();
  while (offset > 0) {
    if (bytes_[offset - 1] == '\n' && offset < length() && --lines == 0) break;
    --offset;
  }
  return offset;
}

void FakeOutputLog::Tell() {
  const std::vector<Reader*> readers(readers_.begin(), readers_.end());
  for (Reader* reader : readers) {
    if (readers_.count(reader) > 0) reader->Tell();
  }
}

}  // namespace muster

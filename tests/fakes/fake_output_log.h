#ifndef MUSTER_TESTS_FAKES_FAKE_OUTPUT_LOG_H_
#define MUSTER_TESTS_FAKES_FAKE_OUTPUT_LOG_H_

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/task/output_log.h"

namespace muster {

// A stream in memory. Lives on one thread, the loop's where there is one.
class FakeOutputLog final : public OutputLog {
 public:
  void Append(const std::string& bytes);
  void End();
  // The first `length` bytes no longer exist.
  void Drop(int64_t length, const std::string& reason);
  // The next Next() of any reader fails.
  void FailNext(const absl::Status& status) { failure_ = status; }
  int readers() const { return static_cast<int>(readers_.size()); }
  // Successful calls of Next() that gave bytes, by all readers.
  int pieces_taken() const { return pieces_taken_; }

  int64_t length() const override { return static_cast<int64_t>(bytes_.size()); }
  bool ended() const override { return ended_; }
  absl::StatusOr<std::unique_ptr<OutputReader>> Read(int64_t offset,
                                                     std::function<void()> on_data) override;
  absl::StatusOr<int64_t> OffsetOfLastLines(int lines) override;

 private:
  class Reader;
  void Tell();

  std::string bytes_;
  int64_t dropped_ = 0;
  std::string drop_reason_;
  bool ended_ = false;
  absl::Status failure_;
  int pieces_taken_ = 0;
  std::set<Reader*> readers_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_FAKE_OUTPUT_LOG_H_

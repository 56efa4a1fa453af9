#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_RUN_DIR_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_RUN_DIR_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace muster {

// The directory of one run's logs and error files: LOG_DIR/<run_id>_XXXXXX/attempt_N/<local_rank>/,
// as torchrun lays it out. Without a log_dir it lies in a temporary directory.
class RunDir {
 public:
  // `log_dir` absolute, or empty for a temporary directory below `temp_dir`.
  static absl::StatusOr<std::unique_ptr<RunDir>> Create(const std::string& log_dir,
                                                        const std::string& temp_dir,
                                                        const std::string& run_id);

  const std::string& path() const { return path_; }
  // The directory of an attempt with one below for each local rank, made where they are missing.
  // Error files of an earlier round of the same attempt go.
  absl::StatusOr<std::string> Attempt(int number, int workers) const;
  // Removes it all where the user did not name a place for it.
  void Discard() const;
  // Whether there was an attempt: there may be error files.
  bool used() const;

 private:
  RunDir(std::string path, std::string temporary)
      : path_(std::move(path)), temporary_(std::move(temporary)) {}

  const std::string path_;
  const std::string temporary_;  // Empty: below the user's log_dir.
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_RUN_DIR_H_

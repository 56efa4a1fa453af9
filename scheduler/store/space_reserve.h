#ifndef MUSTER_SCHEDULER_STORE_SPACE_RESERVE_H_
#define MUSTER_SCHEDULER_STORE_SPACE_RESERVE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace muster {

// Room on a disk that is kept for when the disk is full: a file that holds nothing. Whoever must
// write all the same gives it up, and takes it back when there is space again. Blocks; not
// thread-safe.
class SpaceReserve {
 public:
  // `bytes` 0: there is none.
  SpaceReserve(std::string path, int64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

  // RESOURCE_EXHAUSTED: the disk has no room for it. OK when it is held, or there is none.
  absl::Status Take();
  // Whether there was something to give up.
  bool GiveUp();

 private:
  const std::string path_;
  const int64_t bytes_;
  bool held_ = false;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_SPACE_RESERVE_H_

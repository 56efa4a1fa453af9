#ifndef MUSTER_CTL_FRONTEND_PADDLE_PORT_CURSOR_H_
#define MUSTER_CTL_FRONTEND_PADDLE_PORT_CURSOR_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace muster {

// Free ports as Paddle's launcher looks for them: from a random point of a range on, one after
// another, each tried. Not thread-safe.
class PortCursor {
 public:
  // `first` to `last`, beginning at `start`. `is_free` says whether a port can be had.
  PortCursor(int first, int last, int start, std::function<bool(int port)> is_free);
  // The range of PORT_RANGE ("35100:64000"), which is also the default, from a random point.
  // INVALID_ARGUMENT: it is no range.
  static absl::StatusOr<PortCursor> FromEnvironment(const std::map<std::string, std::string>& env);

  // The next `count` free ports. RESOURCE_EXHAUSTED: there are not so many.
  absl::StatusOr<std::vector<int>> Take(int count);

 private:
  const int first_;
  const int last_;
  int next_;
  std::function<bool(int port)> is_free_;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_PORT_CURSOR_H_

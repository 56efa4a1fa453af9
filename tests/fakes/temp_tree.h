#ifndef MUSTER_TESTS_FAKES_TEMP_TREE_H_
#define MUSTER_TESTS_FAKES_TEMP_TREE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// A directory of the test's own, removed with all that is in it at the end.
class TempTree {
 public:
  TempTree();
  // Below `base`: the path of a Unix socket must be short, and Bazel's directories are not.
  explicit TempTree(absl::string_view base);
  ~TempTree();
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  const std::string& root() const { return root_; }
  // The path of `name` in it.
  std::string Path(absl::string_view name) const;
  // Writes a file, with the directories that it needs; returns its path.
  std::string Write(absl::string_view name, absl::string_view bytes, int mode = 0644) const;

 private:
  std::string root_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_TEMP_TREE_H_

#include "tests/fakes/temp_tree.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace muster {

TempTree::TempTree()
    : TempTree(getenv("TEST_TMPDIR") != nullptr ? getenv("TEST_TMPDIR") : "/tmp") {}

TempTree::TempTree(absl::string_view base) : root_(absl::StrCat(base, "/tree.XXXXXX")) {
  PCHECK(mkdtemp(&root_[0]) != nullptr) << root_;
}

TempTree::~TempTree() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

std::string TempTree::Path(absl::string_view name) const { return absl::StrCat(root_, "/", name); }

std::string TempTree::Write(absl::string_view name, absl::string_view bytes, int mode) const {
  const std::string path = Path(name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  PCHECK(file.good() && chmod(path.c_str(), static_cast<mode_t>(mode)) == 0) << path;
  return path;
}

}  // namespace muster

#include "ctl/frontend/torchrun/run_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/frontend/torchrun/worker_plan.h"

namespace muster {
namespace {

// `prefix` and six characters that make it new.
absl::StatusOr<std::string> NewDir(const std::string& parent, const std::string& prefix) {
  std::string path = JoinPath(parent, absl::StrCat(prefix, "XXXXXX"));
  if (mkdtemp(path.data()) == nullptr) return ErrnoStatus(errno, absl::StrCat("make ", path));
  return path;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunDir>> RunDir::Create(const std::string& log_dir,
                                                       const std::string& temp_dir,
                                                       const std::string& run_id) {
  std::string base = log_dir;
  std::string temporary;
  if (base.empty()) {
    MUSTER_ASSIGN_OR_RETURN(temporary, NewDir(temp_dir, "torchelastic_"));
    base = temporary;
  } else {
    struct stat file;
    if (stat(base.c_str(), &file) == 0 && !S_ISDIR(file.st_mode)) {
      return absl::FailedPreconditionError(
          absl::StrCat("--log_dir: ", base, " is not a directory"));
    }
    MUSTER_RETURN_IF_ERROR(Annotate(MakeDirs(base, 0777), "--log_dir"));
  }
  MUSTER_ASSIGN_OR_RETURN(std::string path, NewDir(base, run_id + "_"));
  return std::unique_ptr<RunDir>(new RunDir(std::move(path), std::move(temporary)));
}

absl::StatusOr<std::string> RunDir::Attempt(int number, int workers) const {
  const std::string attempt = JoinPath(path_, absl::StrCat("attempt_", number));
  for (int i = 0; i < workers; ++i) {
    const WorkerFiles files = FilesOf(attempt, i);
    MUSTER_RETURN_IF_ERROR(MakeDirs(files.dir, 0777));
    unlink(files.error.c_str());
  }
  return attempt;
}

bool RunDir::used() const { return PathExists(JoinPath(path_, "attempt_0")); }

void RunDir::Discard() const {
  if (!temporary_.empty()) RemoveTree(temporary_).IgnoreError();
}

}  // namespace muster

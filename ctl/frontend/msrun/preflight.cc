#include "ctl/frontend/msrun/preflight.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/frontend/argparse/python_text.h"
#include "ctl/frontend/engine/spawn.h"

namespace muster {
namespace {

// "FileNotFoundError: [Errno 2] No such file or directory: 'x'".
absl::Status OsError(int error, const std::string& path) {
  const char* name = "OSError";
  if (error == ENOENT) name = "FileNotFoundError";
  if (error == EEXIST) name = "FileExistsError";
  if (error == ENOTDIR) name = "NotADirectoryError";
  if (error == EISDIR) name = "IsADirectoryError";
  if (error == EACCES || error == EPERM) name = "PermissionError";
  return absl::FailedPreconditionError(
      absl::StrCat(name, ": [Errno ", error, "] ", strerror(error), ": ", PyRepr(path)));
}

// Makes `path` with its parents, for the user alone, whatever the umask.
absl::Status MakeLogDir(const std::string& path) {
  if (path.empty() || PathExists(path)) return absl::OkStatus();
  const std::string parent = DirName(path);
  if (parent != path && !parent.empty()) MUSTER_RETURN_IF_ERROR(MakeLogDir(parent));
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return OsError(errno, path);
  return absl::OkStatus();
}

absl::Status CheckLog(const std::string& path) {
  struct stat file;
  if (stat(path.c_str(), &file) == 0) {
    if (S_ISDIR(file.st_mode)) return OsError(EISDIR, path);
    return access(path.c_str(), W_OK) == 0 ? absl::OkStatus() : OsError(errno, path);
  }
  const std::string folder = DirName(path).empty() ? "." : DirName(path);
  if (errno != ENOENT) return OsError(errno, path);
  if (access(folder.c_str(), W_OK | X_OK) != 0) return OsError(errno, path);
  return absl::OkStatus();
}

// All processes run the same program, with the caller's PATH.
absl::Status CheckProgram(const ProcessSpec& spec) {
  if (FindProgram(spec.argv[0], spec.env).ok()) return absl::OkStatus();
  const absl::Status missing = OsError(ENOENT, spec.argv[0]);
  if (spec.argv[0] != "python") return missing;
  return absl::FailedPreconditionError(absl::StrCat(
      std::string(missing.message()),
      ": msrun runs scripts with the `python` of PATH; install python-is-python3, or say "
      "`msrun ... python3 ",
      spec.argv.size() > 1 ? spec.argv[1] : "SCRIPT", "`"));
}

}  // namespace

absl::Status PrepareMsrun(const MsrunFlags& flags, const MsrunPlan& plan) {
  if (!flags.rank_table_file.empty() && !PathExists(flags.rank_table_file)) {
    return OsError(ENOENT, flags.rank_table_file);
  }
  // python, python3 and pytest look for their script themselves.
  if (MsrunCommand(flags)[0] != flags.task_script && !PathExists(flags.task_script)) {
    return OsError(ENOENT, flags.task_script);
  }
  MUSTER_RETURN_IF_ERROR(MakeLogDir(flags.log_dir));
  if (plan.scheduler) MUSTER_RETURN_IF_ERROR(CheckLog(plan.scheduler->spec.out_path));
  for (const MsrunProcess& worker : plan.workers) {
    MUSTER_RETURN_IF_ERROR(CheckLog(worker.spec.out_path));
  }
  if (plan.scheduler) return CheckProgram(plan.scheduler->spec);
  return plan.workers.empty() ? absl::OkStatus() : CheckProgram(plan.workers[0].spec);
}

}  // namespace muster

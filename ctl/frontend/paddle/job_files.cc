#include "ctl/frontend/paddle/job_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/argparse/python_text.h"

namespace muster {
namespace {

// As Python prints os.environ.
std::string PythonEnviron(const std::map<std::string, std::string>& env) {
  return absl::StrCat("environ({",
                      absl::StrJoin(env, ", ",
                                    [](std::string* out, const auto& entry) {
                                      absl::StrAppend(out, PyRepr(entry.first), ": ",
                                                      PyRepr(entry.second));
                                    }),
                      "})\n");
}

}  // namespace

absl::Status NotePaddleNodes(const PodSettings& settings,
                             const std::map<std::string, std::string>& env,
                             const std::vector<PaddleNode>& nodes) {
  if (nodes.empty()) return absl::OkStatus();
  // The start of the processes, whose logs go there too, says why.
  if (!MakeDirs(settings.log_dir, 0777).ok()) return absl::OkStatus();
  const std::string path = JoinPath(
      settings.log_dir, absl::StrCat(settings.flags.job_id, ".", settings.pod_name, ".log"));
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  std::string text = lseek(fd.get(), 0, SEEK_END) == 0 ? PythonEnviron(env) : "";
  absl::StrAppend(
      &text, "[",
      absl::StrJoin(nodes, ", ",
                    [](std::string* out, const PaddleNode& node) { *out += node.ToPython(); }),
      "]\n");
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ErrnoStatus(errno, path);
  }
  return absl::OkStatus();
}

}  // namespace muster

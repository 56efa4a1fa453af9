#include "ctl/frontend/engine/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"

namespace muster {
namespace {

constexpr char kDefaultPath[] = "/bin:/usr/bin";  // Of shells and Python where PATH is not set.
constexpr int kMaxCpus = 8192;
constexpr int kMaxString = 131071;  // Linux's MAX_ARG_STRLEN, without the end of the string.

// Runs the calling thread on other CPUs while it lives: a process that it starts inherits them, and
// never runs a step elsewhere.
class ScopedAffinity {
 public:
  explicit ScopedAffinity(const std::vector<int>& cpus) {
    if (cpus.empty()) return;
    CPU_ZERO_S(kBytes, &before_.set);
    if (sched_getaffinity(0, kBytes, &before_.set) != 0) {
      error_ = errno;
      return;
    }
    Set wanted;
    CPU_ZERO_S(kBytes, &wanted.set);
    for (const int cpu : cpus) CPU_SET_S(static_cast<size_t>(cpu), kBytes, &wanted.set);
    error_ = sched_setaffinity(0, kBytes, &wanted.set) == 0 ? 0 : errno;
    changed_ = error_ == 0;
  }
  ~ScopedAffinity() {
    if (changed_) sched_setaffinity(0, kBytes, &before_.set);
  }
  ScopedAffinity(const ScopedAffinity&) = delete;
  ScopedAffinity& operator=(const ScopedAffinity&) = delete;

  int error() const { return error_; }

 private:
  static constexpr size_t kBytes = kMaxCpus / 8;
  union Set {
    cpu_set_t set;
    char bytes[kBytes];
  };

  Set before_;
  bool changed_ = false;
  int error_ = 0;
};

absl::StatusOr<UniqueFd> OpenLog(const ProcessSpec& spec, const std::string& path) {
  // Not blocking until it is open: of a pipe that nobody reads this is an error (ENXIO).
  UniqueFd fd(open(
      path.c_str(),
      O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (spec.append ? O_APPEND : O_TRUNC),
      0666));
  if (!fd.valid() || fcntl(fd.get(), F_SETFL, spec.append ? O_APPEND : 0) != 0) {
    return ErrnoStatus(errno, absl::StrCat(spec.name, ": cannot open its log file ", path));
  }
  return fd;
}

// E2BIG does not say what is too big.
std::string Largest(const std::vector<std::string>& argv,
                    const std::vector<std::string>& variables) {
  std::string name = "an argument";
  size_t largest = 0;
  for (const std::string& argument : argv) largest = std::max(largest, argument.size());
  for (const std::string& variable : variables) {
    if (variable.size() <= largest) continue;
    largest = variable.size();
    name = variable.substr(0, variable.find('='));
  }
  return absl::StrCat(name, " alone has ", largest, " bytes; one may have ", kMaxString,
                      ", and all together a quarter of `ulimit -s`");
}

// What posix_spawn() is told, with the life of its parts.
struct SpawnPlan {
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void SetAttributes(bool new_session) {
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    // What we ignore for ourselves; a signal that our caller ignores stays so.
    for (const int signal : {SIGPIPE, SIGXFSZ, SIGCHLD}) sigaddset(&signals, signal);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes,
                             static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                (new_session ? POSIX_SPAWN_SETSID : 0)));
  }

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool IsProgram(const std::string& path, int* error) {
  struct stat file;
  if (stat(path.c_str(), &file) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) *error = errno;
    return false;
  }
  if (S_ISREG(file.st_mode) && access(path.c_str(), X_OK) == 0) return true;
  *error = EACCES;
  return false;
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& program,
                                        const std::map<std::string, std::string>& env) {
  int error = ENOENT;
  if (absl::StrContains(program, '/')) {
    if (IsProgram(program, &error)) return program;
    return ErrnoStatus(error, absl::StrCat("program '", program, "'"));
  }
  const auto path = env.find("PATH");
  const std::string& folders = path == env.end() ? kDefaultPath : path->second;
  for (const absl::string_view folder : absl::StrSplit(folders, ':')) {
    const std::string candidate = JoinPath(folder.empty() ? "." : folder, program);
    if (!program.empty() && IsProgram(candidate, &error)) return candidate;
  }
  return ErrnoStatus(error, absl::StrCat("program '", program, "' in PATH=", folders));
}

absl::StatusOr<pid_t> Spawn(const ProcessSpec& spec, int stdin_fd) {
  const absl::StatusOr<std::string> program = FindProgram(spec.argv.at(0), spec.env);
  if (!program.ok()) return Annotate(program.status(), spec.name);
  SpawnPlan plan;
  plan.SetAttributes(spec.new_session);
  UniqueFd out;
  UniqueFd err;
  if (!spec.out_path.empty()) {
    MUSTER_ASSIGN_OR_RETURN(out, OpenLog(spec, spec.out_path));
  }
  if (!spec.err_path.empty() && spec.err_path != spec.out_path) {
    MUSTER_ASSIGN_OR_RETURN(err, OpenLog(spec, spec.err_path));
  }
  if (stdin_fd >= 0) posix_spawn_file_actions_adddup2(&plan.actions, stdin_fd, STDIN_FILENO);
  if (out.valid()) posix_spawn_file_actions_adddup2(&plan.actions, out.get(), STDOUT_FILENO);
  if (err.valid()) posix_spawn_file_actions_adddup2(&plan.actions, err.get(), STDERR_FILENO);
  if (!spec.err_path.empty() && spec.err_path == spec.out_path) {
    posix_spawn_file_actions_adddup2(&plan.actions, STDOUT_FILENO, STDERR_FILENO);
  }
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, STDERR_FILENO + 1);
  std::vector<std::string> variables;
  variables.reserve(spec.env.size());
  for (const auto& [name, value] : spec.env) variables.push_back(absl::StrCat(name, "=", value));

  const ScopedAffinity affinity(spec.cpus);
  if (affinity.error() != 0) {
    return ErrnoStatus(affinity.error(), absl::StrCat(spec.name, ": cannot bind it to its CPUs"));
  }
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program->c_str(), &plan.actions, &plan.attributes,
                                Pointers(spec.argv).data(), Pointers(variables).data());
  if (error != 0) {
    const std::string what = absl::StrCat(spec.name, ": cannot start '", *program, "'");
    return ErrnoStatus(
        error, error == E2BIG ? absl::StrCat(what, ": ", Largest(spec.argv, variables)) : what);
  }
  return pid;
}

}  // namespace muster

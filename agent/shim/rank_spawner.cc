#include "agent/shim/rank_spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>

#include "agent/shim/kernel.h"
#include "agent/shim/rank_child.h"

namespace muster {
namespace {

constexpr size_t kStackSize = 64 << 10;
constexpr size_t kBitsPerWord = 8 * sizeof(unsigned long);
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

// clone3 whose child runs `run(data)` on args->stack and exits with its result. A wrapper that
// returned in the child would overwrite the parent's frame, as both share the memory.
#if defined(__x86_64__)
constexpr bool kOwnStack = true;
long CloneOnStack(clone_args* args, int (*run)(void*), void* data) {
  long result = SYS_clone3;
  register int (*function)(void*) asm("r8") = run;
  register void* argument asm("r9") = data;
  asm volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r9, %%rdi\n\t"
      "callq *%%r8\n\t"
      "movl %%eax, %%edi\n\t"
      "movl %[exit], %%eax\n\t"
      "syscall\n\t"
      "hlt\n\t"
      "1:\n\t"
      : "+a"(result)
      : "D"(args), "S"(sizeof(*args)), "r"(function), "r"(argument), [exit] "i"(SYS_exit_group)
      : "rcx", "r11", "memory", "cc");
  if (result < 0) errno = static_cast<int>(-result);
  return result < 0 ? -1 : result;
}
#elif defined(__aarch64__)
constexpr bool kOwnStack = true;
long CloneOnStack(clone_args* args, int (*run)(void*), void* data) {
  register long result asm("x0") = reinterpret_cast<long>(args);
  register long size asm("x1") = sizeof(*args);
  register long number asm("x8") = SYS_clone3;
  register int (*function)(void*) asm("x10") = run;
  register void* argument asm("x11") = data;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x11\n\t"
      "blr x10\n\t"
      "mov x8, %[exit]\n\t"
      "svc #0\n\t"
      "1:\n\t"
      : "+r"(result)
      : "r"(size), "r"(number), "r"(function), "r"(argument), [exit] "i"(SYS_exit_group)
      : "x9", "memory", "cc");
  if (result < 0) errno = static_cast<int>(-result);
  return result < 0 ? -1 : result;
}
#else
constexpr bool kOwnStack = false;  // As fork: its own memory, its own copy of this stack.
long CloneOnStack(clone_args* args, int (*run)(void*), void* data) {
  const long pid = syscall(SYS_clone3, args, sizeof(*args));
  if (pid == 0) _exit(run(data));
  return pid;
}
#endif

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The plan has the first life's environment.
std::vector<std::string> EnvironmentOf(const ShimRank& rank, int restart) {
  std::vector<std::string> env = rank.env;
  const std::string name = "MUSTER_RANK_RESTARTS=";
  for (std::string& entry : env) {
    if (entry.compare(0, name.size(), name) == 0) entry = name + std::to_string(restart);
  }
  return env;
}

// What execvp would try, with the PATH that the rank itself will have.
std::vector<std::string> Candidates(const ShimRank& rank) {
  const std::string& program = rank.argv[0];
  if (program.find('/') != std::string::npos) return {program};
  std::string path = kDefaultPath;
  for (const std::string& entry : rank.env) {
    if (entry.compare(0, 5, "PATH=") == 0) path = entry.substr(5);
  }
  std::vector<std::string> candidates;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find(':', at), path.size());
    const std::string dir = path.substr(at, end - at);
    candidates.push_back((dir.empty() ? "." : dir) + "/" + program);
    at = end + 1;
  }
  return candidates;
}

std::vector<unsigned long> CpuMask(const std::vector<int32_t>& cpus) {
  std::vector<unsigned long> mask;
  for (const int32_t cpu : cpus) {
    if (cpu < 0 || cpu >= (1 << 20)) continue;
    const size_t word = static_cast<size_t>(cpu) / kBitsPerWord;
    if (mask.size() <= word) mask.resize(word + 1);
    mask[word] |= 1ul << (static_cast<size_t>(cpu) % kBitsPerWord);
  }
  return mask;
}

std::vector<int> IgnoredSignals() {
  std::vector<int> ignored;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now;
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) {
      ignored.push_back(signal);
    }
  }
  return ignored;
}

bool KernelIsTooOldFor(int error) { return error == ENOSYS || error == E2BIG || error == EINVAL; }

}  // namespace

RankSpawner::RankSpawner(const ShimPlan* plan)
    : plan_(plan),
      stack_(std::make_unique<char[]>(kStackSize)),
      ignored_signals_(IgnoredSignals()) {
  if (!plan->ranks_cgroup.empty()) {
    cgroup_procs_ = plan->ranks_cgroup + "/cgroup.procs";
    cgroup_.reset(open(plan->ranks_cgroup.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    cgroup_error_ = cgroup_.valid() ? 0 : errno;
    into_cgroup_ = cgroup_.valid();
  }
  for (const std::string& dir : plan->v1_cgroups) v1_procs_.push_back(dir + "/cgroup.procs");
  share_files_ = CloseRange(UINT_MAX, UINT_MAX, 0) == 0;
  void* page =
      mmap(nullptr, sizeof(ChildReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  report_ = page == MAP_FAILED ? nullptr : static_cast<ChildReport*>(page);
}

RankSpawner::~RankSpawner() {
  if (report_ != nullptr) munmap(report_, sizeof(ChildReport));
}

RankSpawner::Result RankSpawner::Start(const ShimRank& rank, int restart, int out, int err) {
  Result failed;
  failed.step = StartStep::kCgroup;
  failed.error = cgroup_error_;
  if (cgroup_error_ != 0) return failed;
  failed.step = StartStep::kPipes;
  if (report_ == nullptr || dup3(out, kOutSlot, O_CLOEXEC) < 0 ||
      dup3(err, kErrSlot, O_CLOEXEC) < 0) {
    failed.error = errno;
    return failed;
  }
  const std::vector<std::string> candidates = Candidates(rank);
  const std::vector<char*> argv = Pointers(rank.argv);
  const std::vector<std::string> variables = EnvironmentOf(rank, restart);
  const std::vector<char*> env = Pointers(variables);
  const std::vector<unsigned long> mask = CpuMask(rank.cpus);
  ChildArgs args;
  args.report = report_;
  args.shared_files = share_files_;
  args.max_fd = static_cast<unsigned>(std::max(out, err)) + 64;
  for (const std::string& file : v1_procs_) args.cgroup_files.push_back(file.c_str());
  args.tty = plan_->tty;
  args.cpu_mask = mask.empty() ? nullptr : mask.data();
  args.cpu_mask_size = mask.size() * sizeof(unsigned long);
  for (const auto& [resource, value] : plan_->rlimits) {
    const rlim_t limit = value < 0 ? RLIM_INFINITY : static_cast<rlim_t>(value);
    args.limits.push_back({resource, rlimit{limit, limit}});
  }
  args.umask = plan_->umask;
  args.ignored_signals = ignored_signals_;
  args.workdir = rank.workdir.empty() ? nullptr : rank.workdir.c_str();
  args.stdin_path = rank.stdin_path.empty() ? "/dev/null" : rank.stdin_path.c_str();
  for (const std::string& program : candidates) args.programs.push_back(program.c_str());
  args.argv = argv.data();
  args.env = env.data();

  Result result = Clone(&args, into_cgroup_);
  const bool too_old = result.step == StartStep::kProcess && KernelIsTooOldFor(result.error);
  // Linux 6.18, and others that compare the wrong cgroups' kill_seq, kill at its birth whatever is
  // cloned into a cgroup to which cgroup.kill was ever written. Whoever joins it later lives.
  const bool stillborn = result.step == StartStep::kNone && !report_->began;
  if (into_cgroup_ && (too_old || stillborn)) {
    if (stillborn) waitpid(result.pid, nullptr, 0);
    into_cgroup_ = false;
    result = Clone(&args, false);
  }
  return result;
}

RankSpawner::Result RankSpawner::Clone(ChildArgs* args, bool into_cgroup) {
  if (cgroup_.valid() && !into_cgroup) args->cgroup_files.push_back(cgroup_procs_.c_str());
  Result result;
  int pidfd = -1;
  clone_args clone = {};
  clone.flags = CLONE_PIDFD | CLONE_VFORK;
  if (share_files_) clone.flags |= CLONE_FILES;
  clone.pidfd = reinterpret_cast<uintptr_t>(&pidfd);
  clone.exit_signal = SIGCHLD;
  if (kOwnStack) {
    clone.flags |= CLONE_VM;
    clone.stack = reinterpret_cast<uintptr_t>(stack_.get());
    clone.stack_size = kStackSize;
  }
  if (into_cgroup) {
    clone.flags |= CLONE_INTO_CGROUP;
    clone.cgroup = static_cast<uint64_t>(cgroup_.get());
  }
  report_->began = false;
  report_->step = StartStep::kNone;
  const long pid = CloneOnStack(&clone, RunRankChild, args);
  if (pid < 0) {
    result.step = into_cgroup && errno != EAGAIN && errno != ENOMEM && !KernelIsTooOldFor(errno)
                      ? StartStep::kCgroup
                      : StartStep::kProcess;
    result.error = errno;
    return result;
  }
  result.pid = static_cast<pid_t>(pid);
  result.pidfd.reset(pidfd);
  if (report_->step != StartStep::kNone) {
    result.step = report_->step;
    result.error = report_->error;
    result.detail = report_->detail;
    waitpid(result.pid, nullptr, 0);
    result.pidfd.reset();
  }
  return result;
}

}  // namespace muster

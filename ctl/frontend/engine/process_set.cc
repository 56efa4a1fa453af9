#include "ctl/frontend/engine/process_set.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "ctl/frontend/engine/launcher_guard.h"
#include "ctl/frontend/engine/process_table.h"
#include "ctl/frontend/engine/spawn.h"
#include "glog/logging.h"

namespace muster {
namespace {

// How often orphans are looked for that fell to us without a word.
constexpr absl::Duration kOrphanPause = absl::Seconds(1);
constexpr absl::Duration kKillPause = absl::Milliseconds(5);
// A process that does not even die of SIGKILL (a device that hangs) is left alone in the end.
constexpr absl::Duration kPatience = absl::Seconds(30);

class ProcessSetImpl : public ProcessSet {
 public:
  using ProcessSet::Sweep;
  ProcessSetImpl(EventLoop* loop, bool survive) : loop_(loop), survive_(survive) {}
  ~ProcessSetImpl() override {
    loop_->Cancel(timer_);
    loop_->Cancel(orphan_timer_);
    if (!survive_) {
      KillAllNow();
      prctl(PR_SET_CHILD_SUBREAPER, 0);
    }
    if (signal_fd_.valid()) {
      loop_->Unwatch(signal_fd_.get());
      pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    }
  }

  absl::Status Init() {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    // Started with SIGCHLD ignored, we would never hear of an end.
    std::signal(SIGCHLD, SIG_DFL);
    pthread_sigmask(SIG_BLOCK, &child, &mask_before_);
    signal_fd_.reset(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signal_fd_.valid()) return ErrnoStatus(errno, "signalfd");
    loop_->Watch(signal_fd_.get(), EPOLLIN, [this](uint32_t) { OnChildSignal(); });
    NoteInherited();
    if (survive_) return absl::OkStatus();
    MUSTER_ASSIGN_OR_RETURN(guard_, LauncherGuard::Start());
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return ErrnoStatus(errno, "adoption of orphans");
    LookForOrphans();
    return absl::OkStatus();
  }

  absl::StatusOr<int> Start(const ProcessSpec& spec, int stdin_fd) override {
    DCHECK(loop_->OnLoop());
    MUSTER_ASSIGN_OR_RETURN(const pid_t pid, Spawn(spec, stdin_fd));
    const int index = size();
    processes_.push_back({pid, spec.new_session, /*running=*/true});
    index_of_[pid] = index;
    ++running_;
    if (guard_ != nullptr) guard_->Add(pid, spec.new_session);
    return index;
  }
  void set_on_end(OnEnd on_end) override { on_end_ = std::move(on_end); }

  int size() const override { return static_cast<int>(processes_.size()); }
  int running() const override { return running_; }
  pid_t pid(int index) const override { return processes_.at(static_cast<size_t>(index)).pid; }

  void Signal(int signal) override {
    for (const Process& process : processes_) {
      if (process.running) kill(process.own_group ? -process.pid : process.pid, signal);
    }
  }

  void Stop(absl::Duration grace, std::function<void()> done) override {
    DCHECK(loop_->OnLoop());
    if (done != nullptr) on_stopped_.push_back(std::move(done));
    const absl::Duration now = loop_->clock()->Boot();
    if (!stopping_) Signal(grace > absl::ZeroDuration() ? SIGTERM : SIGKILL);
    kill_at_ = stopping_ ? std::min(kill_at_, now + grace) : now + grace;
    stopping_ = true;
    ContinueStop();
  }

  void Sweep(const std::vector<int>& indexes) override {
    const std::vector<ProcessEntry> table = ReadProcessTable();
    std::set<pid_t> sessions;  // Of ended ones the numbers may be others' by now.
    std::set<pid_t> roots;
    for (const int index : indexes) {
      const Process& process = processes_.at(static_cast<size_t>(index));
      if (process.own_group) sessions.insert(process.pid);
      if (process.running) roots.insert(process.pid);
    }
    const std::set<pid_t> ours = Ours(table);
    for (const pid_t pid : MembersOf(table, sessions)) {
      if (ours.count(pid) > 0) roots.insert(pid);
    }
    const std::vector<pid_t> below = DescendantsOf(table, roots);
    roots.insert(below.begin(), below.end());
    for (const pid_t pid : roots) kill(pid, SIGKILL);
  }

 private:
  struct Process {
    pid_t pid;
    bool own_group;
    bool running;
  };

  // Who made this process by exec(2) may have had children: a `tee` that the shell feeds our output
  // to, a background job. They are no rank of ours.
  void NoteInherited() {
    if (!WaitableChild()) return;
    for (const ProcessEntry& entry : ReadProcessTable()) {
      if (entry.parent == getpid()) inherited_.insert(entry.pid);
    }
  }

  // The guard knows sessions and descendants of what we start: an orphan in a session of its own is
  // neither. (Where the kernel is built without this file, the guard does not learn of such.)
  void LookForOrphans() {
    const std::string path = absl::StrCat("/proc/self/task/", getpid(), "/children");
    const std::string text = ReadFile(path).value_or("");
    for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      pid_t pid = 0;
      if (!absl::SimpleAtoi(word, &pid) || IsGuard(pid)) continue;
      if (index_of_.count(pid) > 0 || inherited_.count(pid) > 0) continue;
      if (orphans_.insert(pid).second) guard_->Add(pid, /*session=*/false);
    }
    loop_->Cancel(orphan_timer_);
    orphan_timer_ = loop_->After(kOrphanPause, [this] { LookForOrphans(); });
  }

  void OnChildSignal() {
    signalfd_siginfo info;
    while (read(signal_fd_.get(), &info, sizeof(info)) == sizeof(info)) {
    }
    Reap();
    if (guard_ != nullptr) LookForOrphans();
    if (stopping_) ContinueStop();
  }

  // Collects every child that has ended, adopted ones too.
  void Reap() {
    for (;;) {
      int status = 0;
      const pid_t pid = waitpid(-1, &status, WNOHANG);
      if (pid <= 0) break;
      inherited_.erase(pid);
      if (orphans_.erase(pid) > 0) guard_->Remove(pid);
      const auto found = index_of_.find(pid);
      if (found == index_of_.end()) continue;
      const int index = found->second;
      index_of_.erase(found);
      Process& process = processes_[static_cast<size_t>(index)];
      process.running = false;
      --running_;
      gone_.insert(pid);
      ProcessEnd end;
      end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
      end.code = end.signal != 0 ? 128 + end.signal : WEXITSTATUS(status);
      end.time = loop_->clock()->Wall();
      end.stopped_by_us = stopping_;
      if (on_end_ != nullptr) on_end_(index, end);
    }
    // While a member of its group lives, the number of an ended process is nobody else's.
    for (auto it = gone_.begin(); it != gone_.end();) {
      const bool has_group = kill(-*it, 0) == 0 || errno == EPERM;
      if (!has_group && guard_ != nullptr) guard_->Remove(*it);
      it = has_group ? std::next(it) : gone_.erase(it);
    }
  }

  // Whether there is any child of which wait(2) speaks, living or not yet collected.
  static bool WaitableChild() {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  }

  // Whether a child of ours is left. Orphans of our descendants are children.
  bool HaveChildren() const {
    if (inherited_.empty()) return WaitableChild();
    const std::vector<ProcessEntry> table = ReadProcessTable();
    return std::any_of(table.begin(), table.end(), [this](const ProcessEntry& entry) {
      return entry.parent == getpid() && inherited_.count(entry.pid) == 0 && !IsGuard(entry.pid);
    });
  }

  bool IsGuard(pid_t pid) const { return guard_ != nullptr && pid == guard_->pid(); }

  // What descends from this process, but for the guard and for what was here before.
  std::set<pid_t> Ours(const std::vector<ProcessEntry>& table) const {
    const std::vector<pid_t> below = DescendantsOf(table, {getpid()});
    std::set<pid_t> ours(below.begin(), below.end());
    for (const pid_t pid : inherited_) ours.erase(pid);
    for (const pid_t pid : DescendantsOf(table, inherited_)) ours.erase(pid);
    if (guard_ != nullptr) ours.erase(guard_->pid());
    return ours;
  }

  void ContinueStop() {
    loop_->Cancel(timer_);
    timer_ = 0;
    const absl::Duration now = loop_->clock()->Boot();
    if (!HaveChildren() || now > kill_at_ + kPatience) {
      // From the loop, never from within Stop().
      timer_ = loop_->After(absl::ZeroDuration(), [this] { Stopped(); });
      return;
    }
    if (running_ == 0) kill_at_ = std::min(kill_at_, now);  // Nobody is left to clean up.
    if (now >= kill_at_) KillDescendants();
    timer_ = loop_->After(std::max(kKillPause, kill_at_ - now), [this] { ContinueStop(); });
  }

  void Stopped() {
    timer_ = 0;
    Reap();
    stopping_ = false;
    std::vector<std::function<void()>> dones;
    dones.swap(on_stopped_);
    for (const std::function<void()>& done : dones) done();
  }

  void KillDescendants() {
    Signal(SIGKILL);  // Also where /proc is not to be read.
    for (const pid_t pid : Ours(ReadProcessTable())) kill(pid, SIGKILL);
  }

  void KillAllNow() {
    const absl::Duration deadline = loop_->clock()->Boot() + kPatience;
    on_end_ = nullptr;
    for (Reap(); HaveChildren() && loop_->clock()->Boot() < deadline; Reap()) {
      KillDescendants();
      sigset_t child;
      sigemptyset(&child);
      sigaddset(&child, SIGCHLD);
      const timespec pause = absl::ToTimespec(kKillPause);
      sigtimedwait(&child, nullptr, &pause);
    }
  }

  EventLoop* const loop_;
  const bool survive_;
  sigset_t mask_before_;
  UniqueFd signal_fd_;
  std::unique_ptr<LauncherGuard> guard_;
  OnEnd on_end_;
  std::vector<Process> processes_;
  std::unordered_map<pid_t, int> index_of_;  // Of running ones.
  int running_ = 0;
  std::set<pid_t> orphans_;  // Children that fell to us; the guard knows them.
  EventLoop::TimerId orphan_timer_ = 0;
  std::set<pid_t> gone_;       // Ended ones that the guard still knows.
  std::set<pid_t> inherited_;  // Children of whoever made this process by exec(2).

  bool stopping_ = false;
  absl::Duration kill_at_;  // On Clock::Boot().
  EventLoop::TimerId timer_ = 0;
  std::vector<std::function<void()>> on_stopped_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ProcessSet>> ProcessSet::Create(EventLoop* loop, bool survive) {
  auto set = std::make_unique<ProcessSetImpl>(loop, survive);
  MUSTER_RETURN_IF_ERROR(set->Init());
  return absl::StatusOr<std::unique_ptr<ProcessSet>>(std::move(set));
}

}  // namespace muster

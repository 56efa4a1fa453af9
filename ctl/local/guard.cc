#include "ctl/local/guard.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "agent/device/ledger.h"
#include "common/base/event_loop.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/local/lazy_topology.h"

namespace muster {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(2);
// A process that does not even die of SIGKILL is left alone in the end.
constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr char kAllIsWell = 'q';

// The gangs of a dead engine, on their way to their end.
class Undertaker {
 public:
  Undertaker(const Gangs::Options& options, EventLoop* loop)
      : loop_(loop),
        ledger_(Ledger::Options(), {}, loop->clock()),
        gangs_(Gangs::Make(options, loop, &ledger_, &topology_)) {
    gangs_->SetReportSink([this](const v1::GangReport&) { loop_->Post([this] { Check(); }); });
  }

  void Run() {
    loop_->After(kPatience, [this] { loop_->Stop(); });
    gangs_->Recover([this](const absl::Status&) { StopAll(); });
    loop_->Run();
  }

 private:
  void StopAll() {
    recovered_ = true;
    for (const v1::GangReport& report : gangs_->Reports()) {
      v1::StopGangRequest request;
      request.mutable_gang()->set_job_id(report.job_id());
      request.mutable_gang()->set_attempt(report.attempt());
      request.mutable_gang()->set_epoch(gangs_->epoch());
      request.mutable_grace()->set_seconds(absl::ToInt64Seconds(kGrace));
      request.set_reason("msctl is gone");
      gangs_->Stop(request).IgnoreError();
    }
    Check();
  }
  void Check() {
    if (!recovered_) return;
    for (const v1::GangReport& report : gangs_->Reports()) {
      if (!report.finished()) return;
    }
    loop_->Stop();
  }

  EventLoop* const loop_;
  Ledger ledger_;
  LazyTopology topology_;
  const std::unique_ptr<Gangs> gangs_;
  bool recovered_ = false;
};

[[noreturn]] void RunGuard(const Gangs::Options& options, int pipe) {
  setsid();  // A hang-up or Ctrl-C of the terminal is for msctl.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  prctl(PR_SET_NAME, "msctl-guard");
  // Whoever reads msctl's output must see its end, not the guard's.
  const int null = open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  dup2(pipe, STDERR_FILENO + 1);
  close_range(STDERR_FILENO + 2, ~0U, 0);
  char word = 0;
  ssize_t n;
  do {
    n = read(STDERR_FILENO + 1, &word, 1);
  } while (n < 0 && errno == EINTR);
  if (n == 0) StopAllGangs(options);
  _exit(0);
}

}  // namespace

void StopAllGangs(const Gangs::Options& options) {
  if (!PathExists(options.state_dir)) return;
  EventLoop loop;
  Undertaker(options, &loop).Run();
  RemoveTree(options.state_dir).IgnoreError();
}

absl::StatusOr<std::unique_ptr<Guard>> Guard::Start(const Gangs::Options& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe to the guard");
  UniqueFd theirs(ends[0]);
  UniqueFd ours(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) return ErrnoStatus(errno, "fork of the guard");
  if (pid == 0) RunGuard(options, theirs.get());
  return std::unique_ptr<Guard>(new Guard(pid, std::move(ours)));
}

Guard::~Guard() {
  while (write(pipe_.get(), &kAllIsWell, 1) < 0 && errno == EINTR) {
  }
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace muster

#include "agent/signals.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "glog/logging.h"

namespace muster {
namespace {

sigset_t StopSet() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

void BlockSignals() {
  sigset_t set = StopSet();
  sigaddset(&set, SIGCHLD);  // See OrphanReaper.
  PCHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0) << "pthread_sigmask";
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::StopSignals(EventLoop* loop, std::function<void(int)> on_stop)
    : loop_(loop),
      fd_([] {
        const sigset_t set = StopSet();
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
      }()),
      on_stop_(std::move(on_stop)) {
  PCHECK(fd_.valid()) << "signalfd";
  loop_->Watch(fd_.get(), EPOLLIN, [this](uint32_t) {
    signalfd_siginfo info;
    while (read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
      on_stop_(static_cast<int>(info.ssi_signo));
    }
  });
}

StopSignals::~StopSignals() { loop_->Unwatch(fd_.get()); }

}  // namespace muster

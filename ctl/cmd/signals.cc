#include "ctl/cmd/signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <csignal>
#include <utility>

#include "glog/logging.h"

namespace muster {
namespace {

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // Who was started with a signal ignored (nohup, a shell's background job) leaves it so.
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = OurSignals();
  PCHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0) << "pthread_sigmask";
  fd_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  PCHECK(fd_.valid()) << "signalfd";
}

Signals::~Signals() {
  if (loop_ != nullptr) loop_->Unwatch(fd_.get());
}

void Signals::Watch(EventLoop* loop, std::function<void(int signal)> on_signal) {
  loop_ = loop;
  loop->Watch(fd_.get(), EPOLLIN, [this, on_signal = std::move(on_signal)](uint32_t) {
    signalfd_siginfo info;
    while (read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
      on_signal(static_cast<int>(info.ssi_signo));
    }
  });
}

}  // namespace muster

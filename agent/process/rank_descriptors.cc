#include "agent/process/rank_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include <utility>

#include "absl/time/time.h"

namespace muster {
namespace {

// A dying shim's sockets close before its children fall to us: "not your child" may mean "not yet".
constexpr int kTries = 25;
constexpr absl::Duration kTryAgain = absl::Milliseconds(20);

// As waitpid() packs it.
int PackStatus(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return info.si_status << 8;
  return info.si_code == CLD_DUMPED ? info.si_status | 0x80 : info.si_status;
}

}  // namespace

RankDescriptors::RankDescriptors(EventLoop* loop, OnReaped on_reaped)
    : loop_(loop), on_reaped_(std::move(on_reaped)) {}

RankDescriptors::~RankDescriptors() {
  *alive_ = false;
  Clear();
}

void RankDescriptors::Keep(const NamedDescriptor& name, UniqueFd fd) {
  Rank& rank = ranks_[name.index];
  if (rank.restart != name.restart) rank.wait_status.reset();
  rank.restart = name.restart;
  UniqueFd& kept = name.kind == DescriptorKind::kOut   ? rank.out
                   : name.kind == DescriptorKind::kErr ? rank.err
                                                       : rank.pidfd;
  kept = std::move(fd);
}

void RankDescriptors::PipeClosed(int index, bool is_stderr) {
  const auto rank = ranks_.find(index);
  if (rank != ranks_.end()) (is_stderr ? rank->second.err : rank->second.out).reset();
}

void RankDescriptors::Ended(int index, int restart) {
  const auto rank = ranks_.find(index);
  if (rank != ranks_.end() && rank->second.restart == restart) rank->second.pidfd.reset();
}

void RankDescriptors::Clear() {
  for (auto& [index, orphan] : orphans_) Unwatch(&orphan);
  orphans_.clear();
  ranks_.clear();
}

void RankDescriptors::TakeFrom(RankDescriptors* dead) {
  ranks_ = std::exchange(dead->ranks_, {});
  dead->Clear();
}

std::vector<NamedDescriptor> RankDescriptors::All() const {
  std::vector<NamedDescriptor> all;
  for (const auto& [index, rank] : ranks_) {
    const auto add = [&all, index = index, restart = rank.restart](DescriptorKind kind,
                                                                   const UniqueFd& fd) {
      if (fd.valid()) all.push_back({index, restart, kind, fd.get()});
    };
    add(DescriptorKind::kOut, rank.out);
    add(DescriptorKind::kErr, rank.err);
    add(DescriptorKind::kPidfd, rank.pidfd);
  }
  return all;
}

void RankDescriptors::AwaitExits() {
  for (const auto& [index, rank] : ranks_) {
    if (!rank.pidfd.valid()) continue;
    if (rank.wait_status.has_value()) {
      on_reaped_(index, rank.restart, *rank.wait_status);
      continue;
    }
    Orphan& orphan = orphans_[index];
    if (orphan.pidfd.valid()) continue;
    orphan.restart = rank.restart;
    orphan.pidfd.reset(fcntl(rank.pidfd.get(), F_DUPFD_CLOEXEC, 0));
    if (!orphan.pidfd.valid()) continue;  // The successor asks the kernel.
    orphan.watched = true;
    loop_->Watch(orphan.pidfd.get(), EPOLLIN, [this, index = index](uint32_t) { OnGone(index); });
  }
}

void RankDescriptors::Unwatch(Orphan* orphan) {
  if (std::exchange(orphan->watched, false)) loop_->Unwatch(orphan->pidfd.get());
}

void RankDescriptors::OnGone(int index) {
  const auto found = orphans_.find(index);
  if (found == orphans_.end()) return;
  Orphan& orphan = found->second;
  Unwatch(&orphan);
  siginfo_t info = {};
  const bool ours = waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(orphan.pidfd.get()),
                           &info, WEXITED | WNOHANG) == 0;
  if (!ours && errno == ECHILD && ++orphan.tries < kTries) {
    loop_->After(kTryAgain, [this, alive = alive_, index] {
      if (*alive) OnGone(index);
    });
    return;
  }
  const int restart = orphan.restart;
  orphans_.erase(found);
  if (!ours || info.si_pid == 0) return;  // Somebody else's child; the successor asks the kernel.
  const int status = PackStatus(info);
  const auto rank = ranks_.find(index);
  if (rank != ranks_.end() && rank->second.restart == restart) rank->second.wait_status = status;
  on_reaped_(index, restart, status);
}

}  // namespace muster

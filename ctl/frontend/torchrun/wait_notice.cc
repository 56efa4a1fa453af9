#include "ctl/frontend/torchrun/wait_notice.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr absl::Duration kFirst = absl::Seconds(1);
constexpr absl::Duration kAgain = absl::Seconds(60);

}  // namespace

WaitNotice::WaitNotice(EventLoop* loop, Say say) : loop_(loop), say_(std::move(say)) {}

WaitNotice::~WaitNotice() { loop_->Cancel(timer_); }

void WaitNotice::Set(const std::string& what, absl::Duration left) {
  deadline_ = loop_->clock()->Boot() + left;
  if (what == what_) return;
  what_ = what;
  if (!shown_.empty()) return Show();
  if (timer_ == 0) timer_ = loop_->After(kFirst, [this] { Show(); });
}

void WaitNotice::Clear() {
  loop_->Cancel(timer_);
  timer_ = 0;
  what_.clear();
  shown_.clear();
}

void WaitNotice::Show() {
  loop_->Cancel(timer_);
  const absl::Duration left = std::max(deadline_ - loop_->clock()->Boot(), absl::ZeroDuration());
  say_(absl::StrCat("waiting: ", what_, " (for at most ",
                    absl::ToInt64Seconds(absl::Ceil(left, absl::Seconds(1))), "s more)"));
  shown_ = what_;
  timer_ = loop_->After(kAgain, [this] { Show(); });
}

}  // namespace muster

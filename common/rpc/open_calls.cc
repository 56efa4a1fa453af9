#include "common/rpc/open_calls.h"

#include <utility>

#include "glog/logging.h"

namespace muster {

bool OpenCalls::Add(OpenCall* call) {
  DCHECK(loop_->OnLoop());
  if (!status_.ok()) return false;
  calls_.insert(call);
  return true;
}

void OpenCalls::Remove(OpenCall* call) {
  DCHECK(loop_->OnLoop());
  calls_.erase(call);
}

void OpenCalls::EndAll(const absl::Status& status) {
  DCHECK(loop_->OnLoop());
  status_ = status;
  while (!calls_.empty()) {
    OpenCall* const call = *calls_.begin();
    calls_.erase(calls_.begin());
    call->End(status);
  }
}

}  // namespace muster

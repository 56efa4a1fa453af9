#include "common/etcd/etcd_renewal.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rpc/deadline.h"
#include "common/rpc/grpc_status.h"

namespace muster {

EtcdRenewal::EtcdRenewal(CallQueue* queue, EtcdMembers* members, int64_t lease,
                         Etcd::Done<absl::Duration> done)
    : queue_(queue),
      members_(members),
      lease_(lease),
      turn_(members->turn()),
      done_(std::move(done)) {}

void EtcdRenewal::Start(absl::Duration timeout) {
  SetTimeout(&context_, timeout);
  RequireEtcdLeader(&context_);
  queue_->Add(&context_);
  etcdserverpb::Lease::Stub stub(members_->channel());
  stream_ = stub.PrepareAsyncLeaseKeepAlive(&context_, queue_->queue());
  stream_->StartCall(Then(&EtcdRenewal::Send));
}

void EtcdRenewal::Cancel() {
  done_ = nullptr;
  End(absl::CancelledError("the renewal was given up"));
}

void* EtcdRenewal::Then(Step step) {
  return CallQueue::Tag([self = shared_from_this(), step](bool ok) {
    if (!self->ended_) ok ? (self.get()->*step)() : self->Finish();
  });
}

void EtcdRenewal::Send() {
  etcdserverpb::LeaseKeepAliveRequest request;
  request.set_id(lease_);
  stream_->Write(request, Then(&EtcdRenewal::Receive));
}

void EtcdRenewal::Receive() { stream_->Read(&response_, Then(&EtcdRenewal::Received)); }

void EtcdRenewal::Received() {
  if (response_.ttl() > 0) return End(absl::Seconds(response_.ttl()));
  End(absl::NotFoundError(absl::StrCat("etcd lease ", lease_, ": it is gone")));
}

void EtcdRenewal::Finish() {
  stream_->Finish(&status_, CallQueue::Tag([self = shared_from_this()](bool) {
    if (self->ended_) return;
    const absl::Status status = FromGrpcStatus(self->status_);
    if (status.ok() || EtcdMembers::Blames(status)) self->members_->Failed(self->turn_);
    self->End(status.ok() ? absl::UnavailableError("etcd closed the renewal's stream") : status);
  }));
}

void EtcdRenewal::End(const absl::StatusOr<absl::Duration>& result) {
  if (std::exchange(ended_, true)) return;
  context_.TryCancel();
  queue_->Remove(&context_);
  const auto done = std::exchange(done_, nullptr);
  if (done != nullptr) done(result);
}

}  // namespace muster

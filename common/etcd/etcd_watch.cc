#include "common/etcd/etcd_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/backoff.h"
#include "common/etcd/etcd_codec.h"
#include "common/rpc/grpc_status.h"
#include "etcd/rpc.grpc.pb.h"

namespace muster {
namespace {

class WatchState : public std::enable_shared_from_this<WatchState> {
 public:
  WatchState(CallQueue* queue, EtcdMembers* members, const std::string& key, bool prefix,
             int64_t revision, EtcdWatchHandler handler)
      : queue_(queue),
        members_(members),
        range_(RangeRequestFor(key, prefix)),
        next_revision_(revision),
        handler_(std::move(handler)),
        backoff_(Backoff::Options()) {}

  void Start() {
    listener_ = members_->Listen([self = shared_from_this()] { self->MoveOn(); });
    Open();
  }
  // Begins a stream where the last one ended.
  void Open() {
    session_ = std::make_shared<Session>();
    session_->turn = members_->turn();
    queue_->Add(&session_->context);
    RequireEtcdLeader(&session_->context);
    session_->stream = etcdserverpb::Watch::Stub(members_->channel())
                           .PrepareAsyncWatch(&session_->context, queue_->queue());
    session_->stream->StartCall(Then(&WatchState::Create));
  }
  void Close() {
    handler_ = EtcdWatchHandler();
    closed_ = true;
    queue_->loop()->Cancel(timer_);
    members_->Forget(listener_);
    Drop();
  }

 private:
  struct Session {
    grpc::ClientContext context;
    std::unique_ptr<
        grpc::ClientAsyncReaderWriter<etcdserverpb::WatchRequest, etcdserverpb::WatchResponse>>
        stream;
    etcdserverpb::WatchResponse response;
    grpc::Status status;
    uint64_t turn = 0;
  };
  using Step = void (WatchState::*)();

  // A tag whose completion goes on with `step`, or with the stream's end.
  void* Then(Step step) {
    return CallQueue::Tag([self = shared_from_this(), session = session_, step](bool ok) {
      if (session != self->session_) return;  // Given up.
      ok ? (self.get()->*step)() : self->Finish();
    });
  }

  void Create() {
    etcdserverpb::WatchRequest request;
    etcdserverpb::WatchCreateRequest* const create = request.mutable_create_request();
    create->set_key(range_.key());
    create->set_range_end(range_.range_end());
    create->set_start_revision(next_revision_);
    create->set_progress_notify(true);  // A later start does not lie before a compaction.
    session_->stream->Write(request, Then(&WatchState::Read));
  }
  void Read() { session_->stream->Read(&session_->response, Then(&WatchState::Received)); }

  void Received() {
    const etcdserverpb::WatchResponse response = std::move(session_->response);
    if (response.canceled()) return Cancelled(response);
    Read();
    if (response.created()) return Created(response);
    const std::vector<EtcdEvent> events = EventsOf(response);
    next_revision_ = events.empty() ? std::max(next_revision_, response.header().revision() + 1)
                                    : events.back().entry.mod_revision + 1;
    const auto on_events = handler_.on_events;  // It may close this watch.
    if (!events.empty() && on_events) on_events(events);
  }

  void Created(const etcdserverpb::WatchResponse& response) {
    backoff_.Reset();
    if (next_revision_ == 0) next_revision_ = response.header().revision() + 1;
    const bool gap = std::exchange(gap_, false);
    const EtcdWatchHandler handler = handler_;  // It may close this watch.
    if (handler.on_state) handler.on_state(absl::OkStatus());
    if (gap && !closed_ && handler.on_gap) handler.on_gap();
  }

  void Cancelled(const etcdserverpb::WatchResponse& response) {
    Drop();
    if (response.compact_revision() > 0) {
      gap_ = true;
      next_revision_ = 0;
    }
    Broke(absl::AbortedError(absl::StrCat("etcd ended the watch: ", response.cancel_reason())));
  }

  void Finish() {
    session_->stream->Finish(&session_->status,
                             CallQueue::Tag([self = shared_from_this(), session = session_](bool) {
                               if (session != self->session_) return;
                               self->Drop();
                               self->members_->Failed(session->turn);
                               self->Broke(FromGrpcStatus(session->status));
                             }));
  }

  // Another member is used now: this stream's may never say another word.
  void MoveOn() {
    if (session_ == nullptr) return;  // On its way there.
    Drop();
    Broke(absl::UnavailableError("the member of etcd that was watched does not answer"));
  }

  void Broke(const absl::Status& status) {
    queue_->loop()->Cancel(timer_);
    timer_ = queue_->loop()->After(backoff_.Next(), [self = shared_from_this()] { self->Open(); });
    const auto on_state = handler_.on_state;
    if (on_state) {
      on_state(status.ok() ? absl::UnavailableError("etcd closed the watch's stream") : status);
    }
  }

  void Drop() {
    if (session_ == nullptr) return;
    session_->context.TryCancel();
    queue_->Remove(&session_->context);
    session_ = nullptr;
  }

  CallQueue* const queue_;
  EtcdMembers* const members_;
  uint64_t listener_ = 0;
  const etcdserverpb::RangeRequest range_;
  int64_t next_revision_;  // The first one that was not told yet; 0: from now on.
  EtcdWatchHandler handler_;
  Backoff backoff_;
  std::shared_ptr<Session> session_;
  bool gap_ = false;  // To be told once the watch stands again.
  bool closed_ = false;
  EventLoop::TimerId timer_ = 0;
};

class WatchHandle : public EtcdStream {
 public:
  explicit WatchHandle(std::shared_ptr<WatchState> state) : state_(std::move(state)) {}
  ~WatchHandle() override { state_->Close(); }

 private:
  const std::shared_ptr<WatchState> state_;
};

}  // namespace

std::unique_ptr<EtcdStream> MakeEtcdWatch(CallQueue* queue, EtcdMembers* members,
                                          const std::string& key, bool prefix, int64_t revision,
                                          EtcdWatchHandler handler) {
  auto state =
      std::make_shared<WatchState>(queue, members, key, prefix, revision, std::move(handler));
  state->Start();
  return std::make_unique<WatchHandle>(std::move(state));
}

}  // namespace muster

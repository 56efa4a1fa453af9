#include "ctl/frontend/torchrun/worker_group.h"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/frontend/torchrun/error_file.h"
#include "ctl/frontend/torchrun/failure_table.h"

namespace muster {
namespace {

// What workers left behind in sessions of their own (a service that uploads) may end by itself for
// so long once no worker runs.
constexpr absl::Duration kLeftBehind = absl::Seconds(1);
constexpr int64_t kMaxErrorFile = 1 << 20;
// What the other nodes are told of a traceback; the file has it all.
constexpr size_t kMaxMessage = 64 << 10;

int64_t SizeOf(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

}  // namespace

WorkerGroup::WorkerGroup(const Parts& parts, EventLoop* loop, Callbacks callbacks)
    : parts_(parts), loop_(loop), callbacks_(std::move(callbacks)) {
  parts_.processes->set_on_end([this](int index, const ProcessEnd& end) { OnEnd(index, end); });
}

WorkerGroup::~WorkerGroup() {
  loop_->Cancel(grace_timer_);
  parts_.processes->set_on_end(nullptr);
}

absl::Status WorkerGroup::Start(const WorldPlace& place) {
  place_ = place;
  // A round that began because a node joined writes on in the same files.
  if (parts_.follower != nullptr) parts_.follower->Retire();
  local_ranks_.clear();
  failures_.clear();
  succeeded_ = 0;
  stopping_ = false;
  MUSTER_ASSIGN_OR_RETURN(attempt_dir_,
                          parts_.run_dir->Attempt(place.restart_count, parts_.plan->nproc));
  for (int i = 0; i < parts_.plan->nproc; ++i) {
    MUSTER_RETURN_IF_ERROR(StartWorker(i, attempt_dir_));
  }
  return absl::OkStatus();
}

absl::Status WorkerGroup::StartWorker(int local_rank, const std::string& attempt_dir) {
  const ProcessSpec spec = WorkerProcess(*parts_.plan, place_, local_rank, attempt_dir);
  const int64_t out_size = SizeOf(spec.out_path);
  const int64_t err_size = SizeOf(spec.err_path);
  int stdin_fd = -1;
  if (parts_.stdin_relay != nullptr) {
    MUSTER_ASSIGN_OR_RETURN(stdin_fd, parts_.stdin_relay->Add());
  }
  MUSTER_ASSIGN_OR_RETURN(const int index, parts_.processes->Start(spec, stdin_fd));
  local_ranks_[index] = local_rank;
  if (parts_.stdin_relay != nullptr) {
    // Each start takes the next Add(), and an index counts the starts.
    parts_.stdin_relay->Started(index, parts_.processes->pid(index));
  }
  return Tee(spec, local_rank, out_size, err_size);
}

absl::Status WorkerGroup::Tee(const ProcessSpec& spec, int local_rank, int64_t out_size,
                              int64_t err_size) {
  const std::string label = absl::StrCat(parts_.plan->role, local_rank);
  const auto print_to = [this, label](TeePrinter* printer) {
    return [this, label, printer](absl::string_view bytes) {
      printer->Print(label, bytes);
      if (parts_.stdin_relay != nullptr) parts_.stdin_relay->Nudge();  // A prompt, maybe.
    };
  };
  const int teed = parts_.plan->tee.Of(local_rank);
  if ((teed & StdMap::kOut) != 0) {
    MUSTER_RETURN_IF_ERROR(
        parts_.follower->Follow(spec.out_path, out_size, print_to(parts_.tee_out)));
  }
  if ((teed & StdMap::kErr) != 0) {
    MUSTER_RETURN_IF_ERROR(
        parts_.follower->Follow(spec.err_path, err_size, print_to(parts_.tee_err)));
  }
  return absl::OkStatus();
}

void WorkerGroup::Stop(int signal, absl::Duration grace, std::function<void()> done) {
  stopping_ = true;
  on_stopped_.push_back(std::move(done));
  if (signal == SIGTERM || signal == SIGKILL || running() == 0) {
    return StopNow(signal == SIGKILL ? absl::ZeroDuration() : grace);
  }
  // A stop of the set would send SIGTERM at once.
  parts_.processes->Signal(signal);
  loop_->Cancel(grace_timer_);
  grace_timer_ = loop_->After(grace, [this] { StopNow(absl::ZeroDuration()); });
}

void WorkerGroup::StopNow(absl::Duration grace) {
  loop_->Cancel(grace_timer_);
  grace_timer_ = 0;
  const absl::Duration bound = running() == 0 ? std::min(grace, kLeftBehind) : grace;
  parts_.processes->Stop(bound, [this] {
    if (parts_.follower != nullptr) parts_.follower->Look();
    for (const std::function<void()>& done : std::exchange(on_stopped_, {})) done();
  });
}

void WorkerGroup::OnEnd(int index, const ProcessEnd& end) {
  if (stopping_ && running() == 0) StopNow(kLeftBehind);
  const auto found = local_ranks_.find(index);
  if (found == local_ranks_.end() || end.stopped_by_us) return;
  if (parts_.follower != nullptr) parts_.follower->Look();
  if (end.code == 0) {
    if (++succeeded_ == parts_.plan->nproc && !stopping_) callbacks_.on_succeeded();
    return;
  }
  failures_.push_back(Describe(found->second, index, end));
  if (failures_.size() == 1 && !stopping_) callbacks_.on_failed(failures_.front());
}

WorkerFailure WorkerGroup::Describe(int local_rank, int index, const ProcessEnd& end) const {
  WorkerFailure failure;
  failure.rank = place_.first_rank + local_rank;
  failure.local_rank = local_rank;
  failure.exit_code = end.signal != 0 ? -end.signal : end.code;
  failure.pid = parts_.processes->pid(index);
  failure.unix_time = absl::ToUnixSeconds(end.time);
  failure.host = parts_.host;
  const std::string path = FilesOf(attempt_dir_, local_rank).error;
  const absl::StatusOr<std::string> bytes = ReadFile(path, kMaxErrorFile);
  const std::optional<WorkerError> error =
      bytes.ok() ? ParseWorkerError(*bytes) : std::optional<WorkerError>();
  if (!error) {
    failure.message = MessageWithoutErrorFile(failure.exit_code, failure.pid);
    return failure;
  }
  failure.error_file = path;
  failure.message = error->message.substr(0, kMaxMessage);
  if (error->unix_time > 0) failure.unix_time = error->unix_time;
  return failure;
}

}  // namespace muster

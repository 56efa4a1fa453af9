#include "scheduler/core/scheduler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/failpoint.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/job/job_check.h"
#include "common/rpc/error_details.h"
#include "glog/logging.h"
#include "google/protobuf/util/message_differencer.h"
#include "launch/registry.h"
#include "scheduler/core/fence_time.h"
#include "scheduler/core/first_cause.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/scheduler_impl.h"

namespace muster {
namespace {

constexpr absl::Duration kKeepRequests = absl::Hours(24);
constexpr absl::Duration kSweepInterval = absl::Minutes(10);
constexpr absl::Duration kFirstSweep = absl::Hours(1);
// After a boot the time of day is set within so long, as a rule. Retention, which cannot be undone,
// waits for longer.
constexpr absl::Duration kClockSettles = absl::Minutes(1);
// Long enough for whoever looks for a lost host after a week off.
constexpr absl::Duration kKeepLostNodes = absl::Hours(24 * 10);
constexpr size_t kMaxRequestId = 128;

}  // namespace

std::unique_ptr<Scheduler> Scheduler::Make(const Options& options, EventLoop* loop,
                                           StateStore* store, ChannelFactory channels) {
  return std::make_unique<SchedulerImpl>(options, loop, store, std::move(channels));
}

SchedulerImpl::SchedulerImpl(const Options& options, EventLoop* loop, StateStore* store,
                             ChannelFactory channels)
    : options_(options),
      loop_(loop),
      store_(store),
      jobs_(loop, store),
      queue_(JobQueue::Options()),
      nodes_({options.suspect_after, options.lost_after,
              options.node_lease > absl::ZeroDuration()
                  ? FencedAfter(options.node_lease, options.fence_grace)
                  : absl::InfiniteDuration(),
              options.silent_from},
             loop->clock(), std::move(channels)) {}

SchedulerImpl::~SchedulerImpl() {
  *alive_ = false;
  for (auto& [id, run] : runs_) {
    loop_->Cancel(run->queue_timer);
    loop_->Cancel(run->attempt_timer);
    loop_->Cancel(run->leftover_timer);
    loop_->Cancel(run->stop_timer);
    for (const auto& [rank, timer] : run->rank_timers) loop_->Cancel(timer);
  }
  loop_->Cancel(wake_timer_);
  loop_->Cancel(silence_timer_);
  loop_->Cancel(sweep_timer_);
}

absl::Status SchedulerImpl::Load() {
  DCHECK(loop_->OnLoop());
  MUSTER_ASSIGN_OR_RETURN(const StoredState state, store_->Load());
  epoch_ = state.epoch;
  loaded_at_ = loop_->clock()->Boot();
  clock_set_at_ = loaded_at_ + kClockSettles;
  const bool had_nodes = !state.jobs.empty() || options_.silent_from != nullptr;
  if (had_nodes) cluster_known_at_ = loaded_at_ + options_.lost_after;
  for (const RequestRecord& request : state.requests) {
    requests_.emplace(request.request_id,
                      KnownRequest{request, PastMoment::OnRecord(request.made)});
  }
  for (const NodeRecord& orders : state.nodes) nodes_.SetOrders(orders);
  for (const JobRecord& record : state.jobs) {
    if (!IsFinalState(record.job.status().state())) {
      settled_at_ = loop_->clock()->Boot() + options_.lost_after;
    }
    JobEntry* const entry = jobs_.AddLoaded(record);
    if (IsFinalState(record.job.status().state())) {
      entry->ended = PastMoment::OnRecord(FromTimestamp(record.job.status().end_time()));
    } else {
      ResumeJob(entry);
    }
  }
  sweep_timer_ = loop_->After(kFirstSweep, [this] { Sweep(); });
  ArmSilenceTimer();
  return absl::OkStatus();
}

void SchedulerImpl::Submit(const v1::SubmitJobRequest& request, const std::string& owner,
                           SubmitDone done) {
  DCHECK(loop_->OnLoop());
  v1::JobSpec spec = request.spec();
  CompleteSpec(&spec);
  if (AnswerRepeatedSubmit(request, spec, done)) return;
  const absl::Status check = CheckSubmit(request, spec, owner);
  if (!check.ok()) return done(check);

  JobRecord record;
  do {
    record.job.set_id(NewJobId(spec.name()));
  } while (jobs_.Find(record.job.id()) != nullptr);
  *record.job.mutable_spec() = spec;
  v1::JobStatus* const status = record.job.mutable_status();
  status->set_state(v1::JOB_STATE_SUBMITTED);
  *status->mutable_submit_time() = ToTimestamp(Now());
  status->set_owner(owner);
  const RequestRecord made{request.request_id(), record.job.id(), Now()};
  requests_.insert_or_assign(made.request_id, KnownRequest{made, PastMoment(*loop_->clock())});
  ++inserting_[owner];
  jobs_.Insert(
      record, made, [this, made, owner, done = std::move(done)](const absl::Status& stored) {
        if (--inserting_[owner] == 0) inserting_.erase(owner);
        if (!stored.ok()) {
          requests_.erase(made.request_id);
          if (DetailsOf(stored).errors_size() > 0) return done(stored);
          return done(WithDetail(stored, "STORE_FULL", "", "free space on the scheduler's disk"));
        }
        JobEntry* const entry = jobs_.Find(made.job_id);
        LOG(INFO) << "job=" << made.job_id << " SUBMITTED";
        runs_[made.job_id] = std::make_unique<Run>();
        runs_[made.job_id]->submitted = Since{PastMoment(*loop_->clock())};
        ArmQueueTimer(entry);
        Enqueue(entry, absl::ZeroDuration());
        Pass();  // At once: the reservation goes out in this turn.
        Failpoint("scheduler.before_submit_answer");
        done(*entry->shown);
      });
}

bool SchedulerImpl::AnswerRepeatedSubmit(const v1::SubmitJobRequest& request,
                                         const v1::JobSpec& spec, const SubmitDone& done) {
  const auto it = requests_.find(request.request_id());
  if (it == requests_.end() || it->second.made.Age(*loop_->clock()) > kKeepRequests) return false;
  if (Planted("drop_request_ids")) return false;
  const std::string id = it->second.record.job_id;
  JobEntry* const entry = jobs_.Find(id);
  if (entry == nullptr) {
    done(absl::NotFoundError(absl::StrCat("job ", id, ": made by this request_id, and removed")));
    return true;
  }
  v1::JobSpec made = entry->record.job.spec();
  if (entry->record.job.status().has_submitted_nodes()) {
    *made.mutable_nodes() = entry->record.job.status().submitted_nodes();
  }
  if (!google::protobuf::util::MessageDifferencer::Equals(made, spec)) {
    done(WithDetail(
        absl::AlreadyExistsError(absl::StrCat("request_id ", request.request_id(),
                                              ": has made job ", id, " from another spec")),
        "REQUEST_ID_USED", "request_id", "make a new request_id for each submit"));
    return true;
  }
  // Not before the first one: it may not be durable yet, and may still be refused.
  jobs_.AfterSaved(entry, [this, id, done] {
    const JobEntry* const stored = jobs_.Find(id);
    if (stored == nullptr) return done(absl::UnavailableError("the first submit has failed"));
    done(*stored->shown);
  });
  return true;
}

absl::Status SchedulerImpl::CheckSpec(const v1::JobSpec& spec) {
  const std::vector<v1::ErrorDetail> errors = CheckJob(spec);
  if (errors.empty()) return CheckContract(spec);
  v1::ErrorDetails details;
  for (const v1::ErrorDetail& error : errors) *details.add_errors() = error;
  return WithDetails(CheckJobStatus(spec), details);
}

absl::Status SchedulerImpl::CheckSubmit(const v1::SubmitJobRequest& request,
                                        const v1::JobSpec& spec, const std::string& owner) const {
  if (request.request_id().empty() || request.request_id().size() > kMaxRequestId) {
    return WithDetail(
        absl::InvalidArgumentError(absl::StrCat("request_id: ", request.request_id().size(),
                                                " bytes, must be 1 to ", kMaxRequestId)),
        "BAD_REQUEST_ID", "request_id", "make a random one for each submit");
  }
  MUSTER_RETURN_IF_ERROR(CheckSpec(spec));
  if (queue_.size() >= options_.max_queued_jobs) {
    return WithDetail(absl::ResourceExhaustedError(
                          absl::StrCat("the queue is full: ", queue_.size(), " jobs wait")),
                      "QUEUE_FULL", "", "wait for some of them, or cancel some");
  }
  MUSTER_RETURN_IF_ERROR(CheckQuota(spec, owner));
  const ClusterView cluster = nodes_.View();
  if (!KnowsCluster(cluster)) return absl::OkStatus();
  const absl::Status fits = CheckEverFits(spec, cluster);
  return fits.ok()
             ? fits
             : WithDetail(Annotate(fits, absl::StrCat("job ", spec.name(), " can never be placed")),
                          "PLACEMENT_IMPOSSIBLE", "",
                          "ask for less, or add nodes; `msctl get nodes` shows what there is");
}

bool SchedulerImpl::KnowsCluster(const ClusterView& cluster) const {
  return !cluster.nodes.empty() && loop_->clock()->Boot() >= cluster_known_at_;
}

void SchedulerImpl::Cancel(const v1::CancelJobRequest& request, SubmitDone done) {
  DCHECK(loop_->OnLoop());
  const absl::StatusOr<JobEntry*> found = jobs_.FindByPrefix(request.job_id());
  if (!found.ok()) return done(found.status());
  JobEntry* const entry = *found;
  const std::string id = entry->record.job.id();
  const auto answer = [this, id, done] { done(Get(id)); };
  const v1::JobState state = entry->record.job.status().state();
  const std::string reason = request.reason().empty()
                                 ? std::string("cancelled")
                                 : absl::StrCat("cancelled: ", request.reason());
  if (IsFinalState(state) || entry->record.stop_cause == StopCause::kCancelled) {
    return jobs_.AfterSaved(entry, answer);
  }
  if (IsWaitingState(state) || state == v1::JOB_STATE_RESERVING) {
    if (state == v1::JOB_STATE_RESERVING) {
      runs_.at(id)->gang->Release();
      entry->record.job.mutable_status()->mutable_attempts()->RemoveLast();  // It never was.
    }
    return Finish(entry, JobEvent::kCancelled, reason, kExitCancelled, answer);
  }
  BeginStop(entry, StopCause::kCancelled, reason, answer);
}

absl::StatusOr<v1::Job> SchedulerImpl::Get(const std::string& id_or_prefix) const {
  DCHECK(loop_->OnLoop());
  MUSTER_ASSIGN_OR_RETURN(const JobEntry* const entry, jobs_.FindByPrefix(id_or_prefix));
  return *entry->shown;
}

absl::StatusOr<v1::ListJobsResponse> SchedulerImpl::List(const v1::ListJobsRequest& request) const {
  DCHECK(loop_->OnLoop());
  return jobs_.List(request);
}

absl::StatusOr<uint64_t> SchedulerImpl::Watch(const std::string& id_or_prefix,
                                              std::function<void(const v1::Job&)> on_change) {
  DCHECK(loop_->OnLoop());
  return jobs_.Watch(id_or_prefix, std::move(on_change));
}

void SchedulerImpl::Unwatch(uint64_t watch) { jobs_.Unwatch(watch); }

void SchedulerImpl::Sweep() {
  std::vector<std::string> old;
  for (const auto& [id, entry] : jobs_.entries()) {
    // One whose submit is not durable yet is not shown.
    if (!entry->ended.has_value() || entry->shown == nullptr) continue;
    if (!IsFinalState(entry->shown->status().state())) continue;
    if (entry->ended->Age(*loop_->clock()) > options_.keep_jobs) old.push_back(id);
  }
  if (!old.empty()) LOG(INFO) << "retention: " << old.size() << " jobs removed";
  jobs_.Remove(old);
  SweepRequests();
  SweepNodes();
  sweep_timer_ = loop_->After(kSweepInterval, [this] { Sweep(); });
}

void SchedulerImpl::SweepNodes() {
  std::set<std::string> in_use;
  for (const auto& [id, run] : runs_) {
    const v1::Attempt* const attempt = CurrentAttempt(std::as_const(jobs_.Find(id)->record.job));
    if (attempt == nullptr) continue;
    for (const v1::NodePlacement& node : attempt->placement().nodes())
      in_use.insert(node.node_id());
  }
  nodes_.Forget(kKeepLostNodes, in_use);
  releases_.clear();  // What these were to release has lapsed by itself.
}

void SchedulerImpl::SweepRequests() {
  absl::Time newest_gone = absl::InfinitePast();
  absl::Time oldest_kept = absl::InfiniteFuture();
  for (auto it = requests_.begin(); it != requests_.end();) {
    const absl::Time made = it->second.record.made;
    if (it->second.made.Age(*loop_->clock()) > kKeepRequests) {
      newest_gone = std::max(newest_gone, made);
      it = requests_.erase(it);
    } else {
      oldest_kept = std::min(oldest_kept, made);
      ++it;
    }
  }
  if (newest_gone == absl::InfinitePast()) return;
  // The store goes by the time of day. If that was set back meanwhile, some stay there for longer.
  StateBatch batch;
  batch.forget_requests_before = std::min(newest_gone + absl::Microseconds(1), oldest_kept);
  store_->Commit(std::move(batch), [](const absl::Status&) {});
}

}  // namespace muster

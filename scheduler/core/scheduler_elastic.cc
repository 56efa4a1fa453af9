// Gangs whose number of hosts may change: their wait for more, their growth, and msctl scale.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "glog/logging.h"
#include "scheduler/core/elastic.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/scheduler_impl.h"
#include "scheduler/core/success_policy.h"
#include "scheduler/plan/claim.h"

namespace muster {
namespace {

constexpr absl::Duration kKeepScalings = absl::Hours(24);
constexpr int kMaxScalings = 100;
constexpr size_t kMaxRequestId = 128;

// A host that refuses twice in a row is avoided for so long.
constexpr int kRefusalsToAvoid = 2;
constexpr absl::Duration kAvoidRefuser = absl::Minutes(10);

// The jobs at the head of the queue that a growing gang leaves room for.
constexpr size_t kMaxClaims = 100;

// Jobs are stored from before these two were compared; who scales one cannot change them.
void ShortenFirstDelay(v1::RestartSpec* restart) {
  if (FromProtoDuration(restart->max_delay()) >= FromProtoDuration(restart->first_delay())) return;
  *restart->mutable_first_delay() = restart->max_delay();
}

// A gang that is being stopped to grow has the room that it grows by, for its grace and so long.
constexpr absl::Duration kResizePatience = absl::Seconds(30);

int HostsOf(const v1::Job& job) { return CurrentAttempt(job)->placement().nodes_size(); }

const v1::Scaling* FindScaling(const v1::Job& job, const std::string& request_id) {
  for (const v1::Scaling& scaling : job.status().scalings()) {
    if (scaling.request_id() == request_id) return &scaling;
  }
  return nullptr;
}

bool SameRange(const v1::NodeRange& a, const v1::NodeRange& b) {
  return a.min() == b.min() && a.max() == b.max();
}

bool AnyRankEnded(const v1::Attempt& attempt) {
  return std::any_of(attempt.ranks().begin(), attempt.ranks().end(), RankEnded);
}

absl::Status EndedError(const v1::Job& job, bool being_cancelled) {
  return WithDetail(absl::FailedPreconditionError(absl::StrCat(
                        "job ", job.id(), ": it ",
                        being_cancelled ? "is being cancelled"
                                        : absl::StrCat("is ", JobStateName(job.status().state())),
                        ", so its number of hosts cannot change")),
                    "JOB_ENDED", "job_id", "submit it again with other `nodes`");
}

}  // namespace

void SchedulerImpl::Scale(const v1::ScaleJobRequest& request, const std::string& who,
                          SubmitDone done) {
  DCHECK(loop_->OnLoop());
  const absl::StatusOr<JobEntry*> found = jobs_.FindByPrefix(request.job_id());
  if (!found.ok()) return done(found.status());
  JobEntry* const entry = *found;
  if (AnswerRepeatedScale(entry, request, done)) return;
  const absl::Status check = CheckScale(*entry, request);
  if (!check.ok()) return done(check);
  const std::string id = entry->record.job.id();
  LOG(INFO) << "audit verb=scale job=" << id << " nodes=" << RangeText(request.nodes())
            << " was=" << RangeText(entry->record.job.spec().nodes()) << " who=" << who;
  ChangeRange(entry, request);
  jobs_.Save(entry, [this, id, done = std::move(done)] {
    SchedulePass();
    done(Get(id));
  });
}

bool SchedulerImpl::AnswerRepeatedScale(JobEntry* entry, const v1::ScaleJobRequest& request,
                                        const SubmitDone& done) {
  const v1::Scaling* const made = FindScaling(entry->record.job, request.request_id());
  if (made == nullptr) return false;
  if (!SameRange(made->nodes(), request.nodes())) {
    done(WithDetail(absl::AlreadyExistsError(
                        absl::StrCat("request_id ", request.request_id(), ": has scaled job ",
                                     entry->record.job.id(), " to ", RangeText(made->nodes()))),
                    "REQUEST_ID_USED", "request_id", "make a new request_id for each change"));
    return true;
  }
  jobs_.AfterSaved(entry, [this, id = entry->record.job.id(), done] { done(Get(id)); });
  return true;
}

absl::Status SchedulerImpl::CheckScale(const JobEntry& entry,
                                       const v1::ScaleJobRequest& request) const {
  const v1::Job& job = entry.record.job;
  if (request.request_id().empty() || request.request_id().size() > kMaxRequestId) {
    return WithDetail(
        absl::InvalidArgumentError(absl::StrCat("request_id: ", request.request_id().size(),
                                                " bytes, must be 1 to ", kMaxRequestId)),
        "BAD_REQUEST_ID", "request_id", "make a random one for each change");
  }
  if (requests_.count(request.request_id()) > 0) {
    return WithDetail(absl::AlreadyExistsError(absl::StrCat("request_id ", request.request_id(),
                                                            ": has submitted a job")),
                      "REQUEST_ID_USED", "request_id", "make a new request_id for each change");
  }
  const bool cancelled = entry.record.stop_cause == StopCause::kCancelled;
  if (IsFinalState(job.status().state()) || cancelled) return EndedError(job, cancelled);
  if (request.nodes().min() < 1 || request.nodes().max() < request.nodes().min()) {
    return WithDetail(absl::InvalidArgumentError(absl::StrCat(
                          "nodes: ", request.nodes().min(), " to ", request.nodes().max(),
                          " hosts, must be at least 1 and not fewer at most than at least")),
                      "OUT_OF_RANGE", "nodes", "give both ends, e.g. 2 and 4");
  }
  v1::JobSpec spec = job.spec();
  *spec.mutable_nodes() = request.nodes();
  ShortenFirstDelay(spec.mutable_restart());
  MUSTER_RETURN_IF_ERROR(CheckSpec(spec));
  absl::Status quota;
  options_.quota.MostNodes(job.status().owner(), {}, spec, &quota);
  if (!quota.ok()) {
    return WithDetail(Annotate(quota, absl::StrCat("job ", job.id(), " could never start again")),
                      "QUOTA_TOO_SMALL", "nodes", "ask for less, or ask the operator for more");
  }
  const ClusterView cluster = nodes_.View();
  if (!KnowsCluster(cluster)) return absl::OkStatus();
  const absl::Status fits = CheckEverFits(spec, cluster);
  return fits.ok()
             ? fits
             : WithDetail(
                   Annotate(fits, absl::StrCat("job ", job.id(), " could never be placed again")),
                   "PLACEMENT_IMPOSSIBLE", "nodes",
                   "ask for less, or add nodes; `msctl get nodes` shows what there is");
}

void SchedulerImpl::ChangeRange(JobEntry* entry, const v1::ScaleJobRequest& request) {
  v1::Job& job = entry->record.job;
  v1::JobStatus* const status = job.mutable_status();
  if (!status->has_submitted_nodes()) *status->mutable_submitted_nodes() = job.spec().nodes();
  *job.mutable_spec()->mutable_nodes() = request.nodes();
  auto* const scalings = status->mutable_scalings();
  while (!scalings->empty() && (scalings->size() >= kMaxScalings ||
                                FromTimestamp((*scalings)[0].time()) < Now() - kKeepScalings)) {
    scalings->DeleteSubrange(0, 1);
  }
  v1::Scaling* const scaling = scalings->Add();
  *scaling->mutable_nodes() = request.nodes();
  *scaling->mutable_time() = ToTimestamp(Now());
  scaling->set_request_id(request.request_id());
  // Somebody waits for it now.
  runs_.at(job.id())->growth.not_before = loop_->clock()->Boot();
  if (status->state() != v1::JOB_STATE_RESERVING) return;
  const int hosts = HostsOf(job);
  if (hosts >= request.nodes().min() && hosts <= request.nodes().max()) return;
  runs_.at(job.id())->gang->Release();
  OnRefused(entry, absl::AbortedError("its number of hosts has changed"));
}

void SchedulerImpl::BeginStartWait(JobEntry* entry) {
  const v1::Placement& placement = CurrentAttempt(entry->record.job)->placement();
  StartWait wait;
  for (const v1::NodePlacement& node : placement.nodes()) {
    // A host that is kept free will not come back.
    if (!nodes_.OrdersFor(node.node_id()).cordoned) ++wait.had;
  }
  runs_.at(entry->record.job.id())->start_wait = wait;
}

void SchedulerImpl::ResumeStartWait(JobEntry* entry) {
  const v1::Job& job = entry->record.job;
  if (CurrentAttempt(job) != nullptr) BeginStartWait(entry);
  if (!job.status().has_wait_since()) return;
  StartWait* const wait = &runs_.at(job.id())->start_wait;
  PastMoment since = PastMoment::OnRecord(FromTimestamp(job.status().wait_since()));
  // A last call is left for hosts that are coming back to this scheduler.
  const absl::Duration now = loop_->clock()->Boot();
  wait->since = std::max(now - since.Age(*loop_->clock()),
                         now + kLastCall - StartWaitLimit(job.spec(), *wait));
}

void SchedulerImpl::NoteStartWait(JobEntry* entry, bool waits) {
  v1::JobStatus* const status = entry->record.job.mutable_status();
  const absl::Duration now = loop_->clock()->Boot();
  if (!waits) {
    if (now >= settled_at_) status->clear_wait_since();
  } else if (!status->has_wait_since()) {
    const StartWait& wait = runs_.at(entry->record.job.id())->start_wait;
    *status->mutable_wait_since() = ToTimestamp(Now() - (now - wait.since.value_or(now)));
  }
}

std::string SchedulerImpl::DescribeStartWait(JobEntry* entry, const JobQueue::Decision& decision) {
  Run* const run = runs_.at(entry->record.job.id()).get();
  if (run->shown_wait != *decision.waits_until) {
    run->shown_wait = *decision.waits_until;
    run->shown_wait_wall = Now() + (*decision.waits_until - loop_->clock()->Boot());
  }
  return DescribeWait(entry->record.job.spec().nodes(), decision.plan->placement.nodes_size(),
                      run->shown_wait_wall);
}

void SchedulerImpl::NoteRefusers(JobEntry* entry, bool mute) {
  Run* const run = runs_.at(entry->record.job.id()).get();
  const absl::Duration now = loop_->clock()->Boot();
  std::map<std::string, Run::Refuser> refusers;
  for (const auto& [node_id, refuser] : run->refusers) {
    if (refuser.times >= kRefusalsToAvoid && refuser.until > now) refusers[node_id] = refuser;
  }
  for (const std::string& node_id : run->gang->Unreserved()) {
    const auto before = run->refusers.find(node_id);
    Run::Refuser* const refuser = &refusers[node_id];
    if (before != run->refusers.end()) *refuser = before->second;
    refuser->times += mute ? kRefusalsToAvoid : 1;
    refuser->until = now + kAvoidRefuser;
  }
  run->refusers = std::move(refusers);
}

std::set<std::string> SchedulerImpl::HostsThatRefuse(const Run& run) const {
  std::set<std::string> nodes;
  for (const auto& [node_id, refuser] : run.refusers) {
    if (refuser.times >= kRefusalsToAvoid && refuser.until > loop_->clock()->Boot()) {
      nodes.insert(node_id);
    }
  }
  return nodes;
}

std::optional<absl::Duration> SchedulerImpl::ResizeGangs(absl::Duration now) {
  std::optional<absl::Duration> next;
  for (const std::string& id : LiveIds()) {
    JobEntry* const entry = FindLive(id);
    const std::optional<absl::Duration> due = ResizeTimeOf(entry, now);
    if (!due.has_value()) continue;
    if (*due > now) {
      next = std::min(next.value_or(*due), *due);
      continue;
    }
    v1::Job& job = entry->record.job;
    const int hosts = HostsOf(job);
    CurrentAttempt(&job)->set_planned_end(v1::PLANNED_END_RESIZED);
    const int wanted =
        hosts > job.spec().nodes().max() ? job.spec().nodes().max() : PossibleHosts(*entry);
    BeginStop(entry, StopCause::kResized,
              absl::StrCat("goes on with ", wanted, wanted == 1 ? " host" : " hosts",
                           " in place of ", hosts));
  }
  return next;
}

std::optional<absl::Duration> SchedulerImpl::ResizeTimeOf(JobEntry* entry, absl::Duration now) {
  const v1::Job& job = entry->record.job;
  const v1::JobState state = job.status().state();
  if (state != v1::JOB_STATE_RUNNING && state != v1::JOB_STATE_STARTING) return std::nullopt;
  const int hosts = HostsOf(job);
  if (hosts == job.spec().nodes().max()) return std::nullopt;
  // Of a gang that is coming to its end no rank is to do its work twice.
  if (AnyRankEnded(*CurrentAttempt(job))) return std::nullopt;
  int possible = hosts;
  if (hosts < job.spec().nodes().max() && state == v1::JOB_STATE_RUNNING) {
    possible = PossibleHosts(*entry);
  }
  return ResizeTime(job.spec(), hosts, possible, now, &runs_.at(job.id())->growth);
}

// Hosts that the gang could have, its own and what nobody could use who waits, or is being stopped
// for another number of hosts: else one new host would stop all that can grow.
int SchedulerImpl::PossibleHosts(const JobEntry& entry) const {
  const v1::Job& job = entry.record.job;
  const v1::Placement& placement = CurrentAttempt(job)->placement();
  v1::JobSpec spec = job.spec();
  spec.mutable_nodes()->set_max(std::min(spec.nodes().max(), HostsWithinQuota(entry)));
  if (spec.nodes().max() <= placement.nodes_size()) return placement.nodes_size();
  const std::set<std::string> avoided = HostsToAvoid(entry);
  ClusterView view = ViewNow();
  std::set<std::string> silent;
  for (const NodeView& node : view.nodes) {
    if (node.state == v1::NODE_STATE_SUSPECT || node.state == v1::NODE_STATE_LOST) {
      silent.insert(node.id);
    }
  }
  for (const v1::NodePlacement& node : placement.nodes()) {
    // What becomes of it will be known soon.
    if (silent.count(node.node_id()) > 0) return placement.nodes_size();
  }
  view.nodes.erase(std::remove_if(view.nodes.begin(), view.nodes.end(),
                                  [&](const NodeView& node) { return avoided.count(node.id) > 0; }),
                   view.nodes.end());
  const auto count = [&](ClusterView cluster) {
    ReleasePlacement(placement, &cluster);
    const absl::StatusOr<GangPlan> plan = PlanGang(spec, cluster, &placement);
    return plan.ok() ? plan->placement.nodes_size() : 0;
  };
  const int possible = count(view);
  if (possible <= placement.nodes_size()) return possible;
  std::vector<const v1::JobSpec*> first = queue_.WaitingFrom(job.spec().priority());
  first.resize(std::min(first.size(), kMaxClaims));
  const absl::Duration now = loop_->clock()->Boot();
  for (const auto& [id, run] : runs_) {
    const v1::Job& other = jobs_.Find(id)->record.job;
    if (other.status().state() != v1::JOB_STATE_STOPPING) continue;
    if (CurrentAttempt(other)->planned_end() != v1::PLANNED_END_RESIZED) continue;
    const absl::Duration patience =
        FromProtoDuration(other.spec().timeouts().stop_grace()) + kResizePatience;
    if (now < run->stop_seen.value_or(now) + patience) first.push_back(&other.spec());
  }
  if (first.empty()) return possible;
  const ClusterView idle = nodes_.View();
  for (const v1::JobSpec* spec_of_first : first) Claim(*spec_of_first, idle).HoldAll(&view);
  return count(std::move(view));
}

}  // namespace muster

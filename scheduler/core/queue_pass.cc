#include "scheduler/core/queue_pass.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "scheduler/core/job_state.h"
#include "scheduler/core/preemption.h"

namespace muster {
namespace {

// From the end of a gang's grace until nothing of it is left, on a busy host.
constexpr absl::Duration kKillMargin = absl::Seconds(5);
// The search for victims is the dearest part of a pass: a long queue must not fill the loop.
constexpr int kMaxSearches = 4;
constexpr size_t kMaxNamed = 3;
// A gang that starts within so long, after a failure or a refusal, does not lose its place to one
// that is behind it.
constexpr absl::Duration kKeepPlace = absl::Minutes(1);

}  // namespace

absl::StatusOr<GangPlan> PlanJob(const WaitingJob& job, const v1::JobSpec& spec,
                                 const ClusterView& cluster) {
  if (!job.avoid.empty()) {
    ClusterView others;
    for (const NodeView& node : cluster.nodes) {
      if (job.avoid.count(node.id) == 0) others.nodes.push_back(node);
    }
    absl::StatusOr<GangPlan> plan = PlanGang(spec, others, job.previous);
    if (plan.ok()) return plan;
  }
  return PlanGang(spec, cluster, job.previous);
}

absl::Duration LatestEnd(const v1::JobSpec& spec, absl::Duration start) {
  const v1::Timeouts& timeouts = spec.timeouts();
  const absl::Duration run = FromProtoDuration(timeouts.run());
  if (run <= absl::ZeroDuration()) return absl::InfiniteDuration();
  return start + std::max(run, FromProtoDuration(timeouts.start())) +
         FromProtoDuration(timeouts.stop_grace()) + kKillMargin;
}

QueuePass::QueuePass(const QueueScene& scene) : scene_(scene), used_(*scene.idle) {
  for (const RunningGang& gang : *scene_.gangs) {
    TakePlacement(*gang.placement, &used_);
    AddAmounts(AmountsOf(*gang.placement), &amounts_[gang.owner]);
  }
  free_ = used_;
  open_ = used_;
}

QueueDecision QueuePass::Consider(const WaitingJob& job) {
  v1::JobSpec narrowed;
  const absl::StatusOr<const v1::JobSpec*> spec = WithinQuota(job, &narrowed);
  absl::Status why = spec.status();
  std::optional<QueueDecision> made;
  if (spec.ok()) {
    absl::StatusOr<GangPlan> plan = PlanJob(job, **spec, open_);
    if (plan.ok()) return Start(job, **spec, *std::move(plan), /*has_passed=*/false);
    why = plan.status();
    if (head_.has_value()) {
      plan = PlanJob(job, **spec, free_);
      const std::optional<bool> passes = plan.ok() ? MayPass(**spec) : std::nullopt;
      if (passes.has_value()) return Start(job, **spec, *std::move(plan), *passes);
      why = plan.ok() ? absl::ResourceExhaustedError(absl::StrCat(
                            "held back for job ", head_->job.job_id, ", which is ahead of it"))
                      : plan.status();
    }
    made = MakeRoom(job, **spec);
    if (!head_.has_value()) BecomeHead(job, **spec, made.has_value());
  }
  // While nodes are on their way, too few say nothing.
  if (job.wait != nullptr && !scene_.settling) {
    WaitsForMore(*job.spec, /*hosts=*/0, scene_.now, job.wait);
  }
  if (made.has_value()) return *std::move(made);
  QueueDecision decision{job.job_id, why};
  decision.over_quota = !spec.ok();
  return decision;
}

void QueuePass::ConsiderLater(const WaitingJob& job) {
  if (job.not_before > scene_.now + kKeepPlace) return;
  v1::JobSpec narrowed;
  const absl::StatusOr<const v1::JobSpec*> spec = WithinQuota(job, &narrowed);
  if (!spec.ok()) return;
  const absl::StatusOr<GangPlan> plan = PlanJob(job, **spec, open_);
  if (plan.ok()) return Keep(job, plan->placement);
  if (!head_.has_value()) BecomeHead(job, **spec, /*has_room_soon=*/false);
}

absl::StatusOr<const v1::JobSpec*> QueuePass::WithinQuota(const WaitingJob& job,
                                                          v1::JobSpec* narrowed) const {
  if (scene_.quota == nullptr) return job.spec;
  const auto used = amounts_.find(job.owner);
  absl::Status why;
  const int nodes = scene_.quota->MostNodes(
      job.owner, used == amounts_.end() ? Amounts() : used->second, *job.spec, &why);
  if (nodes == 0) return why;
  if (nodes == std::max(job.spec->nodes().max(), 1)) return job.spec;
  *narrowed = *job.spec;
  narrowed->mutable_nodes()->set_max(nodes);
  return narrowed;
}

QueueDecision QueuePass::Start(const WaitingJob& job, const v1::JobSpec& spec, GangPlan plan,
                               bool has_passed) {
  QueueDecision decision{job.job_id, absl::UnknownError("")};
  if (job.wait != nullptr) {
    decision.waits_until = WaitsForMore(spec, plan.placement.nodes_size(), scene_.now, job.wait);
  }
  decision.has_passed = has_passed;
  if (decision.waits_until.has_value()) {
    Keep(job, plan.placement);
  } else {
    for (ClusterView* view : {&used_, &free_, &open_}) TakePlacement(plan.placement, view);
    AddAmounts(AmountsOf(plan.placement), &amounts_[job.owner]);
    started_.push_back(plan.placement);
  }
  decision.plan = std::move(plan);
  return decision;
}

std::optional<bool> QueuePass::MayPass(const v1::JobSpec& spec) {
  if (scene_.settling) return std::nullopt;
  const absl::Duration end = LatestEnd(spec, scene_.now);
  if (end < absl::InfiniteDuration()) {
    const std::optional<absl::Duration> start = HeadStart();
    if (start.has_value() && end <= *start) return false;
  }
  return spec.preemptible() ? std::optional<bool>(true) : std::nullopt;
}

bool QueuePass::EndsSoon(const RunningGang& gang) const {
  return gang.ends_soon || stopped_.count(gang.job_id) > 0;
}

std::optional<QueueDecision> QueuePass::MakeRoom(const WaitingJob& job, const v1::JobSpec& spec) {
  if (scene_.settling) return std::nullopt;
  std::vector<const RunningGang*> candidates;
  bool ending = false;
  ClusterView room = used_;
  for (const RunningGang& gang : *scene_.gangs) {
    if (EndsSoon(gang)) {
      // What ends by itself goes to the head.
      ending = ending || !head_.has_value() || gang.preempted || !gang.ends_soon;
      ReleasePlacement(*gang.placement, &room);
    } else if (MayStop(gang, job.priority, job.submit_ns, job.job_id) &&
               !(head_.has_value() && head_->claim.Touches(*gang.placement))) {
      candidates.push_back(&gang);
    }
  }
  if (!ending && candidates.empty()) return std::nullopt;
  for (const Kept& kept : kept_) TakePlacement(kept.placement, &room);
  if (head_.has_value()) head_->claim.HoldAll(&room);

  QueueDecision decision{job.job_id, absl::UnknownError("")};
  absl::StatusOr<GangPlan> plan = PlanJob(job, spec, room);
  if (!plan.ok() && !candidates.empty()) {
    const auto fits = [&](const std::vector<const RunningGang*>& gone) {
      for (const RunningGang* gang : gone) ReleasePlacement(*gang->placement, &room);
      const bool fit = PlanJob(job, spec, room).ok();
      for (const RunningGang* gang : gone) TakePlacement(*gang->placement, &room);
      return fit;
    };
    // A job that would not fit all the same costs no search.
    if (!fits(candidates) || ++searches_ > kMaxSearches) return std::nullopt;
    for (const RunningGang* victim : ChooseVictims(std::move(candidates), fits)) {
      decision.victims.push_back(victim->job_id);
      ReleasePlacement(*victim->placement, &room);
    }
    if (!decision.victims.empty()) plan = PlanJob(job, spec, room);
  }
  if (!plan.ok()) return std::nullopt;
  stopped_.insert(decision.victims.begin(), decision.victims.end());
  Keep(job, plan->placement);
  decision.plan = absl::ResourceExhaustedError(
      absl::StrCat("waits for the end of ", NameStopping(plan->placement)));
  return decision;
}

void QueuePass::Keep(const WaitingJob& job, const v1::Placement& placement) {
  kept_.push_back({job.job_id, placement});
  TakePlacement(placement, &free_);
  TakePlacement(placement, &open_);
  AddAmounts(AmountsOf(placement), &amounts_[job.owner]);
}

std::string QueuePass::NameStopping(const v1::Placement& placement) const {
  std::set<std::string> nodes;
  for (const v1::NodePlacement& node : placement.nodes()) nodes.insert(node.node_id());
  std::set<std::string> names;
  for (const RunningGang& gang : *scene_.gangs) {
    if (!EndsSoon(gang)) continue;
    for (const v1::NodePlacement& node : gang.placement->nodes()) {
      if (nodes.count(node.node_id()) > 0) names.insert(gang.job_id);
    }
  }
  const size_t shown = std::min(names.size(), kMaxNamed);
  const auto end = std::next(names.begin(), static_cast<std::ptrdiff_t>(shown));
  return absl::StrCat(names.size() == 1 ? "job " : "jobs ", absl::StrJoin(names.begin(), end, ", "),
                      shown < names.size() ? ", …" : "",
                      names.size() == 1 ? ", which is being stopped" : ", which are being stopped");
}

void QueuePass::BecomeHead(const WaitingJob& job, const v1::JobSpec& spec, bool has_room_soon) {
  Claim claim(spec, *scene_.idle);
  if (!claim.possible() && !scene_.settling) return;
  if (has_room_soon) {
    claim.HoldAll(&open_);
  } else {
    std::vector<const v1::Placement*> gangs;
    for (const RunningGang& gang : *scene_.gangs) gangs.push_back(gang.placement);
    for (const v1::Placement& placement : started_) gangs.push_back(&placement);
    for (const Kept& kept : kept_) gangs.push_back(&kept.placement);
    claim.HoldNeeded(gangs, &open_);
  }
  head_ = Head{job, spec, std::move(claim)};
}

std::optional<absl::Duration> QueuePass::HeadStart() {
  if (std::exchange(head_->asked, true)) return head_->start;
  const WaitingJob& job = head_->job;
  std::vector<std::pair<absl::Duration, const RunningGang*>> ends;
  for (const RunningGang& gang : *scene_.gangs) {
    absl::Duration end = gang.ends_by;
    if (EndsSoon(gang) || MayStop(gang, job.priority, job.submit_ns, job.job_id)) {
      end = std::min(end, scene_.now + gang.stop_grace + kKillMargin);
    }
    if (end < absl::InfiniteDuration()) ends.emplace_back(end, &gang);
  }
  std::sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second->job_id) < std::tie(b.first, b.second->job_id);
  });
  const auto fits_after = [&](size_t count) {
    ClusterView room = used_;
    for (size_t i = 0; i < count; ++i) ReleasePlacement(*ends[i].second->placement, &room);
    for (const Kept& kept : kept_) {
      if (kept.job_id != job.job_id) TakePlacement(kept.placement, &room);
    }
    return PlanJob(job, head_->spec, room).ok();
  };
  if (ends.empty() || !fits_after(ends.size())) return std::nullopt;
  size_t low = 0;  // Does not fit.
  size_t high = ends.size();
  while (high - low > 1) {
    const size_t middle = low + (high - low) / 2;
    (fits_after(middle) ? high : low) = middle;
  }
  head_->start = ends[high - 1].first;
  return head_->start;
}

}  // namespace muster

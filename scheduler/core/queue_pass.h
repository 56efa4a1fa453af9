#ifndef MUSTER_SCHEDULER_CORE_QUEUE_PASS_H_
#define MUSTER_SCHEDULER_CORE_QUEUE_PASS_H_

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "scheduler/core/elastic.h"
#include "scheduler/core/quota.h"
#include "scheduler/core/running_gang.h"
#include "scheduler/plan/claim.h"
#include "scheduler/plan/gang_planner.h"

namespace muster {

// A job in the queue.
struct WaitingJob {
  std::string job_id;
  int priority = 0;
  int64_t submit_ns = 0;
  const v1::JobSpec* spec = nullptr;  // Must outlive its place in the queue.
  // On Clock::Boot(): not to be placed before, for it backs off.
  absl::Duration not_before = absl::ZeroDuration();
  const v1::Placement* previous = nullptr;  // Of the last attempt; must outlive it, too.
  StartWait* wait = nullptr;                // Of an elastic gang; must outlive it, too.
  // Nodes that have just refused this gang, or failed it again and again: taken only where it does
  // not fit without them.
  std::set<std::string> avoid;
  std::string owner;
};

// What becomes of it in one pass.
struct QueueDecision {
  std::string job_id;
  absl::StatusOr<GangPlan> plan;
  // Set: there is room for `plan`, and the gang waits until then for more. Nobody behind it gets
  // that room.
  std::optional<absl::Duration> waits_until;
  // It starts on room that a job ahead of it may come to need, and gives it back then.
  bool has_passed = false;
  // It is not room that it lacks.
  bool over_quota = false;
  // Jobs to stop: their room is kept for this one.
  std::vector<std::string> victims;
};

// The cluster as one pass finds it. Pointers must outlive the pass.
struct QueueScene {
  const ClusterView* idle = nullptr;  // The nodes, with nothing in use.
  const std::vector<RunningGang>* gangs = nullptr;
  const Quota* quota = nullptr;  // Null: none.
  absl::Duration now;            // On Clock::Boot().
  // The scheduler has just begun, and nodes may still be on their way: nobody is stopped, and a job
  // that has no room on those that are there keeps its place.
  bool settling = false;
};

// One pass over the queue, job by job in order. The first that has no room, and could have it on
// the nodes that are there, is the head; no job behind it may delay it (EASY backfill):
//
//  - a job that takes nothing which the head could use passes (Claim), as do ranks without devices;
//  - so does one whose time limits end it before the limits of running gangs make room for the
//    head: the head's start by then is promised;
//  - so does a `preemptible` one, which is stopped once the head fits without it.
//
// A job without room that would have it if gangs were stopped that allow it (MayStop) gets the
// fewest of them stopped. Until they are gone, a pass finds that it fits without what is about to
// end, and keeps that room for it; nothing of that is remembered from pass to pass, and so nothing
// is lost with the scheduler. Jobs over their owner's quota are gone by: it is not room they lack.
//
// Deterministic: equal scenes and queues give equal decisions. Lives for one pass.
class QueuePass {
 public:
  explicit QueuePass(const QueueScene& scene);

  QueueDecision Consider(const WaitingJob& job);
  // Of one that backs off: if it is soon to start, its room is kept for it, or it is the head and
  // waits for that, as if it did not back off.
  void ConsiderLater(const WaitingJob& job);

 private:
  struct Head {
    WaitingJob job;
    v1::JobSpec spec;
    Claim claim;
    bool asked = false;  // For `start`: computed when somebody needs it.
    std::optional<absl::Duration> start;
  };
  // Room that a job is to have.
  struct Kept {
    std::string job_id;
    v1::Placement placement;
  };

  // The job as large as its owner's quota lets it be, in `*narrowed` where that is smaller; an
  // error: it must wait.
  absl::StatusOr<const v1::JobSpec*> WithinQuota(const WaitingJob& job,
                                                 v1::JobSpec* narrowed) const;
  QueueDecision Start(const WaitingJob& job, const v1::JobSpec& spec, GangPlan plan,
                      bool has_passed);
  // Whether a job for which there is room may have it before the head; nullopt: no. True: it must
  // give it back.
  std::optional<bool> MayPass(const v1::JobSpec& spec);
  // Room that is about to be free, or that can be made; nullopt: there is none.
  std::optional<QueueDecision> MakeRoom(const WaitingJob& job, const v1::JobSpec& spec);
  void BecomeHead(const WaitingJob& job, const v1::JobSpec& spec, bool has_room_soon);
  // Until when limits of time see to it that the head starts; nullopt: they do not.
  std::optional<absl::Duration> HeadStart();
  bool EndsSoon(const RunningGang& gang) const;
  void Keep(const WaitingJob& job, const v1::Placement& placement);
  // The jobs that are being stopped where `placement` goes.
  std::string NameStopping(const v1::Placement& placement) const;

  const QueueScene scene_;
  ClusterView used_;  // With what runs, or starts in this pass;
  ClusterView free_;  // and what is kept for jobs;
  ClusterView open_;  // and the head's claim.
  std::list<v1::Placement> started_;
  std::list<Kept> kept_;
  std::map<std::string, Amounts> amounts_;  // By owner.
  std::set<std::string> stopped_;           // In this pass.
  std::optional<Head> head_;
  int searches_ = 0;
};

// Plans the job's gang; off the nodes that have just refused it, where that is possible.
absl::StatusOr<GangPlan> PlanJob(const WaitingJob& job, const v1::JobSpec& spec,
                                 const ClusterView& cluster);

// Until when nothing is left of an attempt that began at `start`, by timeouts.run and the grace;
// without that limit never.
absl::Duration LatestEnd(const v1::JobSpec& spec, absl::Duration start);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_QUEUE_PASS_H_

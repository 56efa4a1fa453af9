#include "agent/scheduler_role.h"

#include <algorithm>
#include <utility>

#include "agent/base_env.h"
#include "common/base/fs.h"
#include "common/base/protocol.h"
#include "common/base/status.h"
#include "glog/logging.h"
#include "scheduler/rpc/agent_client.h"
#include "scheduler/rpc/guarded_agent.h"
#include "scheduler/store/sqlite_store.h"

namespace muster {
namespace {

constexpr int64_t kStoreReserve = 16 << 20;
constexpr absl::Duration kMostLostAfter = absl::Seconds(10);

// A node is suspect after one and a half beats, and lost at the end of its lease, or before.
Scheduler::Options SchedulerOptions(const AgentOptions& options) {
  Scheduler::Options made;
  made.heartbeat_interval = options.heartbeat_interval;
  made.suspect_after = 1.5 * options.heartbeat_interval;
  made.node_lease = SpeaksLeases() ? options.node_lease : absl::ZeroDuration();
  made.fence_grace = options.fence_grace;
  made.lost_after = std::min(kMostLostAfter, options.node_lease);
  made.keep_jobs = options.keep_jobs;
  made.max_queued_jobs = options.max_queued_jobs;
  made.quota = options.quota;
  return made;
}

}  // namespace

SchedulerRole::SchedulerRole(const AgentOptions& options, EventLoop* loop, Channels channels)
    : options_(options),
      loop_(loop),
      channels_(std::move(channels)),
      calls_(loop),
      seat_(&calls_),
      job_service_(loop, &seat_, UserName()),
      node_service_(loop, &seat_, UserName()) {}

SchedulerRole::~SchedulerRole() { Leave(absl::UnavailableError("the agent has ended")); }

absl::Status SchedulerRole::TakeAlone() {
  SqliteStoreOptions store_options;
  store_options.path = JoinPath(options_.state_dir, "scheduler.db");
  store_options.reserve_bytes = kStoreReserve;
  MUSTER_ASSIGN_OR_RETURN(std::unique_ptr<StateStore> store, OpenSqliteStore(store_options, loop_));
  MUSTER_RETURN_IF_ERROR(Begin(std::move(store), Mandate()));
  LOG(INFO) << "scheduler=self epoch=" << scheduler_->epoch() << " LOADED";
  return absl::OkStatus();
}

absl::Status SchedulerRole::Take(std::unique_ptr<StateStore> store, const Mandate& mandate) {
  MUSTER_RETURN_IF_ERROR(Begin(std::move(store), mandate));
  LOG(INFO) << "scheduler=elected epoch=" << scheduler_->epoch() << " LOADED";
  return absl::OkStatus();
}

absl::Status SchedulerRole::Begin(std::unique_ptr<StateStore> store, const Mandate& mandate) {
  store_ = std::move(store);
  const std::function<bool()>& may_act = mandate.seat.may_act;
  auto make_channel = [this, may_act](const std::string& address) -> std::unique_ptr<AgentChannel> {
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = channels_(address);
    if (!channel.ok()) return MakeBrokenAgentChannel(Annotate(channel.status(), "agent"), loop_);
    auto client = std::make_unique<AgentClient>(*std::move(channel), loop_);
    if (!may_act) return client;
    return MakeGuardedAgent(std::move(client), may_act, loop_);
  };
  Scheduler::Options options = SchedulerOptions(options_);
  options.silent_from = mandate.silent_from;
  scheduler_ = Scheduler::Make(options, loop_, store_.get(), std::move(make_channel));
  const absl::Status loaded = scheduler_->Load();
  if (!loaded.ok()) {
    scheduler_ = nullptr;
    store_ = nullptr;
    return loaded;
  }
  seat_.Take(scheduler_.get(), mandate.seat);
  return absl::OkStatus();
}

void SchedulerRole::Doubt(const absl::Status& why, std::function<bool()> may_renew) {
  seat_.Doubt(why, std::move(may_renew));
  scheduler_ = nullptr;
  store_ = nullptr;
}

void SchedulerRole::Leave(const absl::Status& why) {
  seat_.Vacate(why);
  scheduler_ = nullptr;
  store_ = nullptr;
}

}  // namespace muster

#include "agent/scheduler_role.h"

#include <algorithm>
#include <utility>

#include "agent/base_env.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "glog/logging.h"
#include "scheduler/rpc/agent_client.h"
#include "scheduler/store/sqlite_store.h"

namespace muster {
namespace {

constexpr absl::Duration kLeastLostAfter = absl::Seconds(10);

// A node is suspect after one and a half beats, and lost after five.
Scheduler::Options SchedulerOptions(const AgentOptions& options) {
  Scheduler::Options made;
  made.heartbeat_interval = options.heartbeat_interval;
  made.suspect_after = 1.5 * options.heartbeat_interval;
  made.lost_after = std::max(kLeastLostAfter, 5 * options.heartbeat_interval);
  made.keep_jobs = options.keep_jobs;
  made.max_queued_jobs = options.max_queued_jobs;
  return made;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SchedulerRole>> SchedulerRole::Open(const AgentOptions& options,
                                                                   EventLoop* loop,
                                                                   OpenCalls* calls,
                                                                   Channels channels) {
  std::unique_ptr<SchedulerRole> role(new SchedulerRole);
  SqliteStoreOptions store_options;
  store_options.path = JoinPath(options.state_dir, "scheduler.db");
  MUSTER_ASSIGN_OR_RETURN(role->store_, OpenSqliteStore(store_options, loop));
  role->scheduler_ =
      Scheduler::Make(SchedulerOptions(options), loop, role->store_.get(),
                      [loop, channels = std::move(channels)](
                          const std::string& address) -> std::unique_ptr<AgentChannel> {
                        absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = channels(address);
                        if (channel.ok())
                          return std::make_unique<AgentClient>(*std::move(channel), loop);
                        return MakeBrokenAgentChannel(Annotate(channel.status(), "agent"), loop);
                      });
  MUSTER_RETURN_IF_ERROR(role->scheduler_->Load());
  LOG(INFO) << "scheduler=self epoch=" << role->scheduler_->epoch() << " LOADED";
  role->seat_ = std::make_unique<SchedulerSeat>(calls);
  role->seat_->Take(role->scheduler_.get());
  role->job_service_ = std::make_unique<JobServiceRpc>(loop, role->seat_.get(), UserName());
  role->node_service_ = std::make_unique<NodeServiceRpc>(loop, role->seat_.get());
  return role;
}

}  // namespace muster

#ifndef MUSTER_AGENT_DAEMON_H_
#define MUSTER_AGENT_DAEMON_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "agent/address_lookup.h"
#include "agent/api_server.h"
#include "agent/device/ledger.h"
#include "agent/device/topology.h"
#include "agent/device_watch.h"
#include "agent/elected_role.h"
#include "agent/link/fence.h"
#include "agent/link/pledge.h"
#include "agent/link/scheduler_link.h"
#include "agent/node_identity.h"
#include "agent/options.h"
#include "agent/orphan_reaper.h"
#include "agent/rpc/agent_service.h"
#include "agent/rpc/log_service.h"
#include "agent/scheduler_role.h"
#include "agent/sd_notify.h"
#include "agent/signals.h"
#include "agent/state_lock.h"
#include "agent/task/gangs.h"
#include "common/base/event_loop.h"
#include "common/rpc/open_calls.h"

namespace muster {

// The agent, put together: state, then what runs here, then the server, then the tie to the
// scheduler. Lives on the loop, for the whole life of the process.
class Daemon {
 public:
  // `loop` must outlive this object, and gRPC's threads.
  Daemon(const AgentOptions& options, SdNotify notify, EventLoop* loop);
  ~Daemon();

  // Runs until a signal asks for the end. Returns the exit code; says why on stderr, in one line,
  // when that is not 0. The ranks go on in any case.
  int Run();

 private:
  // The steps of the start; each returns an error and notes the exit code that fits.
  absl::Status Open();
  absl::Status OpenState();
  absl::Status OpenGangs();
  absl::Status OpenScheduler();
  absl::Status Serve();
  absl::Status StartElection();

  void OnRecovered(const absl::Status& recovered);
  void StartLink();
  void StartDeviceWatch();
  // How this host is reached by others, as its routes say; then `done`: at once, but where a name
  // has to be looked up. Nothing waits for that but the ways to the scheduler.
  void LearnAddress(std::function<void()> done);
  void TakeAddress(const absl::StatusOr<std::string>& address);
  // Stands for election, and begins to look for the scheduler.
  void Join();
  absl::StatusOr<std::shared_ptr<grpc::Channel>> SchedulerChannel();
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(const std::string& address);
  v1::NodeInfo Describe() const;
  // Where the scheduler and clients on other hosts reach this agent: the first TCP listener;
  // without one the Unix socket.
  std::string AgentAddress() const;
  void Beat();
  void OnSignal(int signal);
  // Ends every call, then the server, then the loop. Leaves the ranks alone.
  void Stop();
  void OnEnded();
  void Fail(int exit_code, const absl::Status& status);

  AgentOptions options_;  // `address` is filled in by LearnAddress().
  const bool learns_address_;
  std::unique_ptr<AddressLookup> address_lookup_;  // Null where there is no name to look up.
  const SdNotify notify_;
  EventLoop* const loop_;
  int exit_code_;
  bool stopping_ = false;

  std::optional<StateLock> lock_;
  NodeIdentity identity_;
  OpenCalls calls_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Topology> topology_;
  std::unique_ptr<OrphanReaper> reaper_;
  std::unique_ptr<Gangs> gangs_;
  std::unique_ptr<SchedulerRole> scheduler_;
  Pledge pledge_;                         // Of one that may be elected.
  std::unique_ptr<ElectedRole> elected_;  // Null where the scheduler is named, not elected.
  std::string leader_address_;            // Of the one that is elected; empty: not known yet.
  std::unique_ptr<AgentServiceRpc> agent_service_;
  std::unique_ptr<LogServiceRpc> log_service_;
  std::unique_ptr<ApiServer> server_;
  bool keeps_lease_ = false;
  std::unique_ptr<Fence> fence_;  // Null where nobody else could run what runs here.
  std::unique_ptr<SchedulerLink> link_;
  std::unique_ptr<DeviceWatch> device_watch_;  // Null where the devices are fixed.
  std::unique_ptr<StopSignals> signals_;
  int ends_awaited_ = 0;  // Of the server, and of what this agent was in an election.
  std::thread stopper_;   // Waits for the server's end while the loop runs.
};

}  // namespace muster

#endif  // MUSTER_AGENT_DAEMON_H_

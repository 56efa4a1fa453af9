#ifndef MUSTER_CTL_LOCAL_LOCAL_ENGINE_H_
#define MUSTER_CTL_LOCAL_LOCAL_ENGINE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/device/ledger.h"
#include "agent/task/gangs.h"
#include "common/base/event_loop.h"
#include "ctl/local/guard.h"
#include "ctl/local/lazy_topology.h"
#include "ctl/local/local_agent.h"
#include "scheduler/core/scheduler.h"
#include "scheduler/store/memory_store.h"

namespace muster {

// A whole cluster of one host in this process, for `msctl run --local`: the same scheduler, gangs,
// contracts and msshim as behind an agent, without daemon, socket or anything that lasts. On a loop
// with a thread of its own: a terminal that stands still does not hold the ranks up. The destructor
// stops what runs and removes the state directory.
class LocalEngine {
 public:
  struct Options {
    std::string shim_path;
    std::string devices;  // As --agent_devices; empty: MUSTER_DEVICES, else every vendor is asked.
    bool probe_devices = true;  // False: the job wants none, and probing takes time.
    std::map<std::string, std::string> base_env;  // Of every rank.
  };
  // To be called before there are other threads: it forks the guard.
  static absl::StatusOr<std::unique_ptr<LocalEngine>> Start(const Options& options);
  ~LocalEngine();

  // Where the parts below live: touch them there alone.
  EventLoop* loop() { return thread_.loop(); }
  Scheduler* scheduler() { return scheduler_.get(); }
  Gangs* gangs() { return gangs_.get(); }

  // Ends every gang without grace. Any thread.
  void KillAll();

 private:
  LocalEngine(Gangs::Options options, std::unique_ptr<Guard> guard);
  // On the loop.
  void Build(std::vector<v1::Device> devices, Gangs::Done done);
  absl::Status Join(const std::vector<v1::Device>& devices);
  void StopAll(absl::Duration grace);
  bool AllFinished() const;
  void TearDown();

  const Gangs::Options options_;
  std::unique_ptr<Guard> guard_;
  LazyTopology topology_;
  LoopThread thread_;
  std::unique_ptr<MemoryStore> store_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Gangs> gangs_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<LocalNode> node_;
};

// msshim, where it was installed: beside this program, in ../libexec/muster, or in shim/ beside it
// as it is built. NOT_FOUND lists where it was sought.
absl::StatusOr<std::string> FindShim(const std::string& flag);

}  // namespace muster

#endif  // MUSTER_CTL_LOCAL_LOCAL_ENGINE_H_

#ifndef MUSTER_SCHEDULER_CORE_NODE_TABLE_H_
#define MUSTER_SCHEDULER_CORE_NODE_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "muster/v1/node_service.pb.h"
#include "scheduler/core/agent_channel.h"
#include "scheduler/plan/cluster_view.h"
#include "scheduler/store/state_store.h"

namespace muster {

// The nodes, their sessions, how long ago each was heard of, and what an operator has ordered:
//   JOINING → READY ⇄ SUSPECT → LOST → READY;  READY ⇄ DRAINING by order.
// A node is JOINING while something of an earlier time must be cleared there first. SUSPECT and
// LOST are for people and for new work; what ran on a silent node is over only once HasFenced().
// Lives on the loop; decides nothing about jobs.
class NodeTable {
 public:
  struct Options {
    absl::Duration suspect_after;
    absl::Duration lost_after;
    // Silence after which a host that keeps its lease has surely killed what it had to.
    absl::Duration fenced_after = absl::InfiniteDuration();
    // From when on, on Clock::Boot(), no earlier scheduler renews the lease of a host that does not
    // obey this one yet: its silence counts from there. May become earlier. Null: there is none.
    std::function<absl::Duration()> silent_from;
  };
  using ChannelFactory = std::function<std::unique_ptr<AgentChannel>(const std::string& address)>;

  // `clock` must outlive this object.
  NodeTable(const Options& options, const Clock* clock, ChannelFactory channels);

  // What a hello has changed.
  struct Connected {
    bool restarted = false;  // The agent's process is another one than before.
    bool rebooted = false;   // So is its host's kernel.
  };
  // A stream's hello. ABORTED: a newer incarnation is connected. An older stream of the node loses
  // its session, and its `on_lost` is called.
  absl::StatusOr<Connected> Connect(const v1::NodeHello& hello, uint64_t session,
                                    std::function<void()> on_lost);
  void Disconnect(uint64_t session);
  // Returns whether that makes the node READY again.
  bool Heard(uint64_t session);
  // Its heartbeat shows that it took the welcome: from now on it refuses earlier schedulers.
  void SetObeys(uint64_t session);
  void SetInfo(uint64_t session, const v1::NodeInfo& info);
  // A node that ran something when the scheduler died: it has as long to return as a silent one.
  void Expect(const v1::NodePlacement& placement);
  // Drops the nodes that are lost for longer than `after`, without orders and not in `in_use`.
  void Forget(absl::Duration after, const std::set<std::string>& in_use);
  void SetJoining(const std::string& node_id, bool joining);

  // The node of a session, or null when that is over.
  const std::string* NodeOf(uint64_t session) const;
  // Where to command the node, or null while it is not connected.
  AgentChannel* ChannelOf(const std::string& node_id) const;
  bool IsConnected(const std::string& node_id) const { return ChannelOf(node_id) != nullptr; }
  // Silent for too long, or never seen.
  bool IsLost(const std::string& node_id) const;

  // Whether nothing of a gang with on_partition: fence runs there any more, however silent it is.
  bool HasFenced(const std::string& node_id) const;
  // The same of every gang, on an operator's word; until the node is heard again.
  bool IsDead(const std::string& node_id) const;
  // Whether the device is known to be unhealthy.
  bool IsIll(const std::string& node_id, const v1::DeviceId& device) const;
  // When the silence began that the node is in, or was in last; InfiniteFuture() without one.
  absl::Time SilentSince(const std::string& node_id) const;

  // An operator's orders, by node id; also of nodes that have not come yet.
  const NodeRecord& OrdersFor(const std::string& node_id) const;
  void SetOrders(const NodeRecord& orders);
  void SetDead(const std::string& node_id);
  // The id for a name or an id. NOT_FOUND, or FAILED_PRECONDITION when several have the name.
  absl::StatusOr<std::string> FindId(const std::string& name_or_id) const;

  // Nodes whose silence has just become that long.
  struct Silent {
    std::vector<std::string> lost;
    std::vector<std::string> fenced;
  };
  Silent CheckSilence();
  // On Clock::Boot(), when CheckSilence() may have something to say next.
  std::optional<absl::Duration> NextCheck() const;

  // By name; without what jobs hold.
  std::vector<v1::Node> List() const;
  // Nodes that have said hello, with nothing in use.
  ClusterView View() const;

 private:
  struct Entry {
    v1::NodeInfo info;
    bool registered = false;
    bool obeys = false;
    bool joining = false;
    bool keeps_lease = false;
    v1::NodeState state = v1::NODE_STATE_SUSPECT;  // READY, SUSPECT or LOST.
    uint64_t session = 0;                          // 0: no stream.
    std::function<void()> on_lost;
    absl::Duration heard;
    absl::Time heard_wall;
    absl::Time silent_since = absl::InfiniteFuture();  // The last silence that was SUSPECT.
    bool fence_told = false;                           // CheckSilence() has said that it fenced.
    bool dead = false;
    std::unique_ptr<AgentChannel> channel;
  };

  Entry* FindSession(uint64_t session);
  v1::NodeState Shown(const Entry& entry) const;
  void MarkHeard(Entry* entry);
  // Since when, at the latest, nobody has renewed its lease.
  absl::Duration Unrenewed(const Entry& entry) const;
  absl::Duration FenceCheckDue(const Entry& entry) const;

  const Options options_;
  const Clock* const clock_;
  const ChannelFactory channels_;
  std::map<std::string, Entry> nodes_;
  std::map<uint64_t, std::string> sessions_;
  std::map<std::string, NodeRecord> orders_;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_CORE_NODE_TABLE_H_

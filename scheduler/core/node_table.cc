#include "scheduler/core/node_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "glog/logging.h"
#include "scheduler/core/job_state.h"

namespace muster {
namespace {

constexpr absl::Duration kRecheck = absl::Seconds(1);

}  // namespace

NodeTable::NodeTable(const Options& options, const Clock* clock, ChannelFactory channels)
    : options_(options), clock_(clock), channels_(std::move(channels)) {}

absl::StatusOr<NodeTable::Connected> NodeTable::Connect(const v1::NodeHello& hello,
                                                        uint64_t session,
                                                        std::function<void()> on_lost) {
  const v1::NodeInfo& info = hello.info();
  Entry& entry = nodes_[info.id()];
  if (entry.session != 0 && info.incarnation() < entry.info.incarnation()) {
    return absl::AbortedError(absl::StrCat("node ", info.name(), ": incarnation ",
                                           info.incarnation(), " is over, incarnation ",
                                           entry.info.incarnation(), " is connected"));
  }
  Connected connected;
  connected.restarted = !entry.registered || info.incarnation() != entry.info.incarnation();
  connected.rebooted = entry.registered && info.boot_id() != entry.info.boot_id();
  // Anew each time: what a host was cut off by may still hold up its old connection.
  entry.channel = channels_(info.agent_address());
  std::function<void()> replaced;
  if (entry.session != 0) {
    sessions_.erase(entry.session);
    replaced = std::move(entry.on_lost);
  }
  LOG(INFO) << "node=" << info.name() << " incarnation=" << info.incarnation() << " READY";
  entry.info = info;
  entry.registered = true;
  entry.state = v1::NODE_STATE_READY;
  entry.session = session;
  entry.on_lost = std::move(on_lost);
  entry.keeps_lease = hello.keeps_lease();
  // However short: what its peers say from then on is because of it.
  if (connected.rebooted) entry.silent_since = entry.heard_wall;
  MarkHeard(&entry);
  sessions_[session] = info.id();
  if (replaced) replaced();
  return connected;
}

void NodeTable::Disconnect(uint64_t session) {
  Entry* const entry = FindSession(session);
  if (entry == nullptr) return;
  const bool was_ready = entry->state == v1::NODE_STATE_READY;
  LOG(INFO) << "node=" << entry->info.name() << (was_ready ? " READY→SUSPECT" : "")
            << ": its stream is closed";
  entry->session = 0;
  entry->on_lost = nullptr;
  // The end of a stream is no sign of life: a node that was LOST before stays so.
  if (was_ready) entry->state = v1::NODE_STATE_SUSPECT;
  sessions_.erase(session);
}

bool NodeTable::Heard(uint64_t session) {
  Entry* const entry = FindSession(session);
  if (entry == nullptr) return false;
  MarkHeard(entry);
  return std::exchange(entry->state, v1::NODE_STATE_READY) != v1::NODE_STATE_READY;
}

void NodeTable::MarkHeard(Entry* entry) {
  const absl::Duration now = clock_->Boot();
  if (entry->registered && now - entry->heard >= options_.suspect_after) {
    entry->silent_since = entry->heard_wall;
  }
  entry->heard = now;
  entry->heard_wall = clock_->Wall();
  entry->fence_told = false;
  entry->dead = false;
}

void NodeTable::SetObeys(uint64_t session) {
  Entry* const entry = FindSession(session);
  if (entry != nullptr) entry->obeys = true;
}

absl::Duration NodeTable::Unrenewed(const Entry& entry) const {
  if (entry.obeys || !options_.silent_from) return entry.heard;
  return std::max(entry.heard, options_.silent_from());
}

void NodeTable::SetInfo(uint64_t session, const v1::NodeInfo& info) {
  Entry* const entry = FindSession(session);
  if (entry == nullptr) return;
  // Who it is does not change within a session; what it has does.
  *entry->info.mutable_devices() = info.devices();
  *entry->info.mutable_labels() = info.labels();
  entry->info.set_cpus(info.cpus());
  entry->info.set_memory_bytes(info.memory_bytes());
  entry->info.set_degraded(info.degraded());
}

void NodeTable::Expect(const v1::NodePlacement& placement) {
  Entry& entry = nodes_[placement.node_id()];
  if (entry.registered || !entry.info.id().empty()) return;
  entry.info.set_id(placement.node_id());
  entry.info.set_name(placement.node_name());
  entry.info.set_address(placement.address());
  entry.info.set_agent_address(placement.agent_address());
  entry.heard = clock_->Boot();
  entry.heard_wall = clock_->Wall();
}

void NodeTable::Forget(absl::Duration after, const std::set<std::string>& in_use) {
  for (auto it = nodes_.begin(); it != nodes_.end();) {
    const Entry& entry = it->second;
    const bool gone = entry.state == v1::NODE_STATE_LOST && entry.session == 0 &&
                      clock_->Boot() - entry.heard > after;
    if (!gone || orders_.count(it->first) > 0 || in_use.count(it->first) > 0) {
      ++it;
      continue;
    }
    LOG(INFO) << "node=" << entry.info.name() << " id=" << it->first
              << " is forgotten: not heard for " << after;
    it = nodes_.erase(it);
  }
}

void NodeTable::SetJoining(const std::string& node_id, bool joining) {
  const auto it = nodes_.find(node_id);
  if (it != nodes_.end()) it->second.joining = joining;
}

const std::string* NodeTable::NodeOf(uint64_t session) const {
  const auto it = sessions_.find(session);
  return it == sessions_.end() ? nullptr : &it->second;
}

AgentChannel* NodeTable::ChannelOf(const std::string& node_id) const {
  const auto it = nodes_.find(node_id);
  return it == nodes_.end() || it->second.session == 0 ? nullptr : it->second.channel.get();
}

bool NodeTable::IsLost(const std::string& node_id) const {
  const auto it = nodes_.find(node_id);
  return it == nodes_.end() || it->second.state == v1::NODE_STATE_LOST;
}

bool NodeTable::HasFenced(const std::string& node_id) const {
  const auto it = nodes_.find(node_id);
  if (it == nodes_.end()) return false;
  return clock_->Boot() - Unrenewed(it->second) >= options_.fenced_after || it->second.dead;
}

bool NodeTable::IsDead(const std::string& node_id) const {
  const auto it = nodes_.find(node_id);
  return it != nodes_.end() && it->second.dead;
}

bool NodeTable::IsIll(const std::string& node_id, const v1::DeviceId& device) const {
  const auto it = nodes_.find(node_id);
  if (it == nodes_.end()) return false;
  const auto& devices = it->second.info.devices();
  return std::any_of(devices.begin(), devices.end(), [&device](const v1::Device& known) {
    return known.kind() == device.kind() && known.physical() == device.physical() &&
           !known.healthy();
  });
}

absl::Time NodeTable::SilentSince(const std::string& node_id) const {
  const auto it = nodes_.find(node_id);
  if (it == nodes_.end()) return absl::InfiniteFuture();
  return it->second.state == v1::NODE_STATE_READY ? it->second.silent_since : it->second.heard_wall;
}

const NodeRecord& NodeTable::OrdersFor(const std::string& node_id) const {
  static const auto* const kNone = new NodeRecord;
  const auto it = orders_.find(node_id);
  return it == orders_.end() ? *kNone : it->second;
}

void NodeTable::SetOrders(const NodeRecord& orders) {
  if (orders.cordoned || orders.draining) {
    orders_[orders.node_id] = orders;
  } else {
    orders_.erase(orders.node_id);
  }
}

void NodeTable::SetDead(const std::string& node_id) {
  const auto it = nodes_.find(node_id);
  if (it != nodes_.end()) it->second.dead = true;
}

absl::StatusOr<std::string> NodeTable::FindId(const std::string& name_or_id) const {
  if (nodes_.count(name_or_id) > 0) return name_or_id;
  std::vector<std::string> ids;
  std::vector<std::string> there;  // A host that lost its state has left a lost node of its name.
  for (const auto& [id, entry] : nodes_) {
    if (entry.info.name() != name_or_id) continue;
    ids.push_back(id);
    if (entry.state != v1::NODE_STATE_LOST) there.push_back(id);
  }
  if (ids.empty())
    return absl::NotFoundError(absl::StrCat("node '", name_or_id, "': no such node"));
  if (ids.size() == 1) return ids[0];
  if (there.size() == 1) return there[0];
  return absl::FailedPreconditionError(
      absl::StrCat("node '", name_or_id, "': ", ids.size(),
                   " nodes have this name; give one's id: ", absl::StrJoin(ids, ", ")));
}

NodeTable::Silent NodeTable::CheckSilence() {
  Silent silent;
  for (auto& [id, entry] : nodes_) {
    const absl::Duration silence = clock_->Boot() - entry.heard;
    if (entry.state == v1::NODE_STATE_READY && silence >= options_.suspect_after) {
      LOG(INFO) << "node=" << entry.info.name() << " READY→SUSPECT: silent for " << silence;
      entry.state = v1::NODE_STATE_SUSPECT;
    }
    if (entry.state == v1::NODE_STATE_SUSPECT && silence >= options_.lost_after) {
      LOG(WARNING) << "node=" << entry.info.name() << " SUSPECT→LOST: silent for " << silence;
      entry.state = v1::NODE_STATE_LOST;
      silent.lost.push_back(id);
    }
    if (!entry.fence_told && clock_->Boot() - Unrenewed(entry) >= options_.fenced_after) {
      entry.fence_told = true;
      silent.fenced.push_back(id);
    }
  }
  return silent;
}

std::optional<absl::Duration> NodeTable::NextCheck() const {
  std::optional<absl::Duration> next;
  for (const auto& [id, entry] : nodes_) {
    absl::Duration due = entry.fence_told ? absl::InfiniteDuration() : FenceCheckDue(entry);
    if (entry.state == v1::NODE_STATE_READY)
      due = std::min(due, entry.heard + options_.suspect_after);
    if (entry.state == v1::NODE_STATE_SUSPECT)
      due = std::min(due, entry.heard + options_.lost_after);
    if (due == absl::InfiniteDuration()) continue;
    next = next.has_value() ? std::min(*next, due) : due;
  }
  return next;
}

// What silent_from() says may become earlier, unheard.
absl::Duration NodeTable::FenceCheckDue(const Entry& entry) const {
  const absl::Duration due = Unrenewed(entry) + options_.fenced_after;
  const absl::Duration earliest = entry.heard + options_.fenced_after;
  return std::min(due, std::max(earliest, clock_->Boot() + kRecheck));
}

std::vector<v1::Node> NodeTable::List() const {
  std::vector<v1::Node> nodes;
  for (const auto& [id, entry] : nodes_) {
    v1::Node node;
    *node.mutable_info() = entry.info;
    node.set_state(Shown(entry));
    const NodeRecord& orders = OrdersFor(id);
    node.set_cordoned(orders.cordoned);
    node.set_draining(orders.draining);
    const std::string& degraded = entry.info.degraded();
    node.set_reason(absl::StrCat(degraded, degraded.empty() || orders.reason.empty() ? "" : "; ",
                                 orders.reason));
    if (node.state() == v1::NODE_STATE_LOST || node.state() == v1::NODE_STATE_SUSPECT) {
      node.set_reason(absl::StrCat(entry.dead           ? "dead, says an operator"
                                   : entry.session == 0 ? "not connected"
                                                        : "silent",
                                   orders.reason.empty() ? "" : "; ", orders.reason));
    }
    *node.mutable_last_heartbeat() = ToTimestamp(entry.heard_wall);
    nodes.push_back(std::move(node));
  }
  std::sort(nodes.begin(), nodes.end(), [](const v1::Node& a, const v1::Node& b) {
    return std::make_pair(a.info().name(), a.info().id()) <
           std::make_pair(b.info().name(), b.info().id());
  });
  return nodes;
}

ClusterView NodeTable::View() const {
  ClusterView view;
  for (const auto& [id, entry] : nodes_) {
    if (!entry.registered) continue;
    const bool no_new_work = OrdersFor(id).cordoned || !entry.info.degraded().empty();
    view.nodes.push_back(MakeNodeView(entry.info, Shown(entry), no_new_work));
    view.nodes.back().keeps_lease = entry.keeps_lease;
  }
  view.Sort();
  return view;
}

NodeTable::Entry* NodeTable::FindSession(uint64_t session) {
  const std::string* const id = NodeOf(session);
  return id == nullptr ? nullptr : &nodes_.at(*id);
}

v1::NodeState NodeTable::Shown(const Entry& entry) const {
  if (entry.state != v1::NODE_STATE_READY) return entry.state;
  if (entry.joining) return v1::NODE_STATE_JOINING;
  return OrdersFor(entry.info.id()).draining ? v1::NODE_STATE_DRAINING : v1::NODE_STATE_READY;
}

}  // namespace muster

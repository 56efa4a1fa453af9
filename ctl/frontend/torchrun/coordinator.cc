#include "ctl/frontend/torchrun/coordinator.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ctl/frontend/torchrun/options.h"
#include "glog/logging.h"

namespace muster {
namespace {

using Kind = LeaderMessage::Kind;

constexpr size_t kMaxShown = 16;

std::string Nodes(int count) { return absl::StrCat(count, count == 1 ? " node" : " nodes"); }

// "host-a (node_rank 0)".
std::string Shown(const NodeFacts& facts) {
  if (facts.node_rank < 0) return facts.host;
  return absl::StrCat(facts.host, " (node_rank ", facts.node_rank, ")");
}

}  // namespace

Coordinator::Coordinator(const Options& options, EventLoop* loop, Send send, PickPort pick_port)
    : options_(options), loop_(loop), send_(std::move(send)), pick_port_(std::move(pick_port)) {}

Coordinator::~Coordinator() {
  loop_->Cancel(join_timer_);
  loop_->Cancel(last_call_timer_);
}

void Coordinator::Start() { Gather(/*expect_more=*/true); }

void Coordinator::OnMessage(int node, const NodeMessage& message) {
  DCHECK(loop_->OnLoop());
  if (message.kind == NodeMessage::Kind::kHello) return OnHello(node, message.facts);
  if (nodes_.count(node) == 0) return;  // Refused, or never said who it is.
  switch (message.kind) {
    case NodeMessage::Kind::kFailed:
      if (message.round == round_) OnFailed(node, message.failure);
      break;
    case NodeMessage::Kind::kSucceeded:
      if (message.round == round_) OnSucceeded(node);
      break;
    case NodeMessage::Kind::kStopped:
      if (message.round == round_) OnStopped(node);
      break;
    case NodeMessage::Kind::kLeaving:
      if (message.fatal && phase_ != Phase::kEnded) {
        const std::string who = Shown(nodes_.at(node).facts);
        nodes_.erase(node);
        Fail(absl::StrCat(who, ": ", message.text), nullptr, /*may_restart=*/false);
      } else {
        OnLost(node, message.text);
      }
      break;
    case NodeMessage::Kind::kHello:
    case NodeMessage::Kind::kAlive:
      break;
  }
}

void Coordinator::OnLost(int node, const std::string& why) {
  DCHECK(loop_->OnLoop());
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;
  const Node lost = found->second;
  nodes_.erase(found);
  old_slots_[lost.slot] = lost.facts.host;
  if (phase_ == Phase::kGathering) return Consider(expect_more_);
  // Its part of the work is done: only a restart would have needed it.
  if (phase_ == Phase::kRunning && !lost.succeeded) {
    return Fail(absl::StrCat(Shown(lost.facts), " is gone: ", why), nullptr, /*may_restart=*/true);
  }
  if (phase_ == Phase::kStopping) {
    expect_more_ = true;
    StoppedOne();
  }
}

void Coordinator::OnHello(int id, const NodeFacts& facts) {
  const std::string objection =
      nodes_.count(id) > 0 ? "it said who it is before" : Objection(facts);
  if (!objection.empty()) {
    LeaderMessage message;
    message.kind = Kind::kRefused;
    message.text = objection;
    return send_(id, message);
  }
  Node node;
  node.facts = facts;
  node.slot = SlotFor(facts);
  old_slots_.erase(node.slot);
  nodes_[id] = node;
  if (phase_ == Phase::kGathering) return Consider(expect_more_);
  // A new member changes the world of all; that costs no restart of the budget, as in the original.
  if (phase_ == Phase::kRunning) {
    return StopRound(absl::StrCat(Shown(facts), " joins; starting all workers again with it"),
                     /*expect_more=*/true);
  }
  expect_more_ = true;
}

// Why a node with these facts cannot take part; "" where it can.
std::string Coordinator::Objection(const NodeFacts& facts) const {
  const RendezvousSettings& ours = options_.rendezvous;
  if (phase_ == Phase::kEnded) return "the job has ended";
  if (facts.run_id != ours.run_id) {
    return absl::StrCat("this is the rendezvous of --rdzv_id=", ours.run_id,
                        ", and this node has --rdzv_id=", facts.run_id);
  }
  const std::string backend = ours.is_static ? "static" : "c10d";
  if (facts.backend != backend) {
    return absl::StrCat("this rendezvous has --rdzv_backend=", backend, ", and this node has ",
                        facts.backend);
  }
  if (facts.max_nodes != ours.max_nodes || facts.min_nodes != ours.min_nodes) {
    return absl::StrCat("this job has --nnodes=", ours.min_nodes, ":", ours.max_nodes,
                        ", and this node has --nnodes=", facts.min_nodes, ":", facts.max_nodes);
  }
  if (facts.nproc < 1 || facts.nproc > kMaxWorkersPerNode) {
    return absl::StrCat("a node has 1 to ", kMaxWorkersPerNode, " workers, and this one has ",
                        facts.nproc);
  }
  if (ours.is_static && (facts.node_rank < 0 || facts.node_rank >= ours.max_nodes)) {
    return absl::StrCat("--node_rank=", facts.node_rank, ": with --nnodes=", ours.max_nodes,
                        " it is 0 to ", ours.max_nodes - 1);
  }
  for (const auto& [id, node] : nodes_) {
    if (ours.is_static && node.facts.node_rank == facts.node_rank) {
      return absl::StrCat("--node_rank=", facts.node_rank, " is taken by ", node.facts.host,
                          "; each node needs its own");
    }
  }
  if (static_cast<int>(nodes_.size()) >= ours.max_nodes) {
    return absl::StrCat("the job has all its ", Nodes(ours.max_nodes),
                        " (--nnodes); this one would be one too many");
  }
  return "";
}

int Coordinator::SlotFor(const NodeFacts& facts) const {
  if (options_.rendezvous.is_static) return facts.node_rank;
  for (const auto& [slot, host] : old_slots_) {
    if (host == facts.host) return slot;
  }
  int next = 0;
  for (const auto& [id, node] : nodes_) next = std::max(next, node.slot + 1);
  for (const auto& [slot, host] : old_slots_) next = std::max(next, slot + 1);
  return next;
}

void Coordinator::Gather(bool expect_more) {
  phase_ = Phase::kGathering;
  const absl::Duration timeout = options_.rendezvous.join_timeout;
  join_deadline_ = loop_->clock()->Boot() + timeout;
  loop_->Cancel(join_timer_);
  join_timer_ = loop_->After(timeout, [this] { OnJoinTimeout(); });
  Consider(expect_more);
}

// Starts where everybody is here, or nobody else is to be expected.
void Coordinator::Consider(bool expect_more) {
  expect_more_ = expect_more;
  const int count = static_cast<int>(nodes_.size());
  if (count == options_.rendezvous.max_nodes) return StartRound();
  if (count < options_.rendezvous.min_nodes) {
    loop_->Cancel(last_call_timer_);
    last_call_timer_ = 0;
    return SayWaiting();
  }
  if (!expect_more) return StartRound();
  if (last_call_timer_ == 0) {
    last_call_timer_ =
        loop_->After(options_.rendezvous.last_call_timeout, [this] { StartRound(); });
  }
  SayWaiting();
}

void Coordinator::SayWaiting() {
  LeaderMessage message;
  message.kind = Kind::kWaiting;
  message.text = Missing();
  const absl::Duration left =
      last_call_timer_ != 0
          ? options_.rendezvous.last_call_timeout
          : std::max(join_deadline_ - loop_->clock()->Boot(), absl::ZeroDuration());
  message.seconds = static_cast<int>(absl::ToInt64Seconds(absl::Ceil(left, absl::Seconds(1))));
  SendAll(message);
}

// "1 of 2 nodes is here: host-a (node_rank 0); missing: node_rank 1".
std::string Coordinator::Missing() const {
  const RendezvousSettings& ours = options_.rendezvous;
  std::vector<std::string> here;
  std::set<int> taken;
  for (const auto& [id, node] : nodes_) {
    here.push_back(Shown(node.facts));
    taken.insert(node.facts.node_rank);
  }
  std::string text =
      absl::StrCat(here.size(), " of ", Nodes(ours.max_nodes), here.size() == 1 ? " is" : " are",
                   " here", here.empty() ? "" : ": ", absl::StrJoin(here, ", "));
  if (ours.is_static) {
    std::vector<std::string> missing;
    for (int rank = 0; rank < ours.max_nodes && missing.size() < kMaxShown; ++rank) {
      if (taken.count(rank) == 0) missing.push_back(absl::StrCat("node_rank ", rank));
    }
    const size_t all = static_cast<size_t>(ours.max_nodes) - here.size();
    if (all > missing.size()) missing.push_back(absl::StrCat(all - missing.size(), " more"));
    return absl::StrCat(text, "; missing: ", absl::StrJoin(missing, ", "));
  }
  const int needed = ours.min_nodes - static_cast<int>(here.size());
  if (needed > 0) return absl::StrCat(text, "; missing: ", needed, " more");
  return absl::StrCat(text, "; enough to start, ", ours.max_nodes - static_cast<int>(here.size()),
                      " more may come");
}

void Coordinator::OnJoinTimeout() {
  join_timer_ = 0;
  // Those that are here are enough: the last call decides.
  if (last_call_timer_ != 0) return;
  LeaderMessage message;
  message.kind = Kind::kFail;
  message.text =
      absl::StrCat("rendezvous: gave up after ",
                   absl::FormatDuration(options_.rendezvous.join_timeout), ": ", Missing());
  End(message);
}

void Coordinator::StartRound() {
  loop_->Cancel(join_timer_);
  loop_->Cancel(last_call_timer_);
  join_timer_ = last_call_timer_ = 0;
  ++round_;
  const absl::StatusOr<int> port = pick_port_(round_);
  if (!port.ok()) {
    LeaderMessage message;
    message.kind = Kind::kFail;
    message.text = std::string(port.status().message());
    return End(message);
  }
  phase_ = Phase::kRunning;
  SendPlaces(*port);
}

void Coordinator::SendPlaces(int master_port) {
  LeaderMessage message;
  message.kind = Kind::kWorld;
  message.round = round_;
  message.place.restart_count = restarts_;
  message.place.group_world_size = static_cast<int>(nodes_.size());
  message.place.master_addr = options_.master_addr;
  message.place.master_port = master_port;
  message.place.world_size = 0;
  std::vector<std::pair<int, int>> order;  // Slot, id.
  std::map<std::string, int> role_sizes;
  for (auto& [id, node] : nodes_) {
    node.succeeded = false;
    order.push_back({node.slot, id});
    message.place.world_size += node.facts.nproc;
    role_sizes[node.facts.role] += node.facts.nproc;
  }
  std::sort(order.begin(), order.end());
  std::map<std::string, int> role_next;
  int next = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    const NodeFacts facts = nodes_.at(order[i].second).facts;
    message.place.group_rank = static_cast<int>(i);
    message.place.first_rank = next;
    message.place.first_role_rank = role_next[facts.role];
    message.place.role_world_size = role_sizes[facts.role];
    next += facts.nproc;
    role_next[facts.role] += facts.nproc;
    send_(order[i].second, message);
  }
}

void Coordinator::OnFailed(int id, const WorkerFailure& failure) {
  if (phase_ != Phase::kRunning) return;  // Fallout of what is being dealt with.
  Fail(absl::StrCat("rank ", failure.rank, " on ", Shown(nodes_.at(id).facts),
                    " failed (exitcode: ", failure.exit_code, ", pid: ", failure.pid, ")"),
       &failure,
       /*may_restart=*/true);
}

void Coordinator::OnSucceeded(int id) {
  if (phase_ != Phase::kRunning) return;
  nodes_.at(id).succeeded = true;
  for (const auto& [other, node] : nodes_) {
    if (!node.succeeded) return;
  }
  LeaderMessage message;
  message.kind = Kind::kSuccess;
  End(message);
}

void Coordinator::OnStopped(int id) {
  if (phase_ != Phase::kStopping) return;
  nodes_.at(id).stopping = false;
  StoppedOne();
}

void Coordinator::Fail(const std::string& text, const WorkerFailure* failure, bool may_restart) {
  if (may_restart && restarts_ < options_.max_restarts && !nodes_.empty()) {
    ++restarts_;
    // After a worker's failure alone everybody is still here, and nobody new is waited for.
    return StopRound(absl::StrCat(text, "; starting all workers again, restart ", restarts_, " of ",
                                  options_.max_restarts),
                     /*expect_more=*/failure == nullptr);
  }
  LeaderMessage message;
  message.kind = Kind::kFail;
  message.text = text;
  if (failure != nullptr) message.failure = *failure;
  End(message);
}

void Coordinator::StopRound(const std::string& text, bool expect_more) {
  phase_ = Phase::kStopping;
  expect_more_ = expect_more;
  for (auto& [id, node] : nodes_) node.stopping = true;
  LeaderMessage message;
  message.kind = Kind::kStop;
  message.round = round_;
  message.text = text;
  SendAll(message);
}

void Coordinator::StoppedOne() {
  for (const auto& [id, node] : nodes_) {
    if (node.stopping) return;
  }
  Gather(expect_more_);
}

void Coordinator::End(const LeaderMessage& message) {
  phase_ = Phase::kEnded;
  loop_->Cancel(join_timer_);
  loop_->Cancel(last_call_timer_);
  SendAll(message);
}

void Coordinator::SendAll(const LeaderMessage& message) {
  // A send may lose a node.
  std::vector<int> ids;
  for (const auto& [id, node] : nodes_) ids.push_back(id);
  for (const int id : ids) send_(id, message);
}

}  // namespace muster

#include "scheduler/plan/fit.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"

namespace muster {
namespace {

// What a node says against the job's constraint, or empty.
std::string LabelMisfit(const NodeView& node, const Constraint& constraint) {
  if (Fulfils(node.labels, constraint)) return "";
  switch (constraint.kind) {
    case Constraint::Kind::kEquals:
      return absl::StrCat("label ", constraint.key, "!=", constraint.value);
    case Constraint::Kind::kDiffers:
      return absl::StrCat("label ", constraint.key, "==", constraint.value);
    case Constraint::Kind::kPresent:
      return absl::StrCat("no label ", constraint.key);
    case Constraint::Kind::kAbsent:
      return absl::StrCat("label ", constraint.key);
  }
  return "";
}

std::string StateMisfit(const NodeView& node) {
  switch (node.state) {
    case v1::NODE_STATE_READY:
      return "";
    case v1::NODE_STATE_DRAINING:
      return "draining";
    case v1::NODE_STATE_SUSPECT:
      return "not answering";
    case v1::NODE_STATE_LOST:
      return "lost";
    default:
      return "still joining";
  }
}

}  // namespace

Share ShareOfNode(const v1::JobSpec& spec, int num_nodes, int node_rank) {
  Share share;
  for (const v1::RoleSpec& role : spec.roles()) {
    const int ranks = RoleCountOnNode(role, num_nodes, node_rank);
    share.ranks += ranks;
    const v1::DeviceRequest& request = DevicesOf(spec, role);
    if (request.count() > 0 && ranks > 0) share.devices[request.kind()] += request.count() * ranks;
  }
  return share;
}

std::optional<Misfit> FindMisfit(const NodeView& node, const std::vector<Constraint>& constraints,
                                 const Share& share, FitMode mode) {
  for (const Constraint& constraint : constraints) {
    std::string reason = LabelMisfit(node, constraint);
    if (!reason.empty()) return Misfit{std::move(reason)};
  }
  if (mode == FitMode::kNow) {
    if (node.cordoned) return Misfit{"cordoned"};
    std::string reason = StateMisfit(node);
    if (!reason.empty()) return Misfit{std::move(reason)};
  }
  for (const auto& [kind, need] : share.devices) {
    int have = 0;
    for (const DeviceView& device : node.devices) {
      const bool counts = device.healthy && (mode == FitMode::kEver || !device.in_use);
      if (device.kind == kind && counts) ++have;
    }
    if (have < need) return Misfit{"too few devices", kind, need, have};
  }
  for (const uint32_t port : share.ports) {
    if (mode == FitMode::kNow && node.ports_in_use.count(port) > 0) {
      return Misfit{absl::StrCat("port ", port, " held by another job")};
    }
  }
  const int ranks = share.ranks + (mode == FitMode::kNow ? node.ranks_in_use : 0);
  if (ranks > kMaxRanksOnNode) {
    return Misfit{absl::StrCat("too many ranks (at most ", kMaxRanksOnNode, " on one node)")};
  }
  return std::nullopt;
}

std::string CountMisfits(const std::vector<Misfit>& misfits, int fitting, int wanted,
                         FitMode mode) {
  struct Count {
    int nodes = 0;
    int most = 0;
    int least = 0;
  };
  std::map<std::string, Count> counts;
  for (const Misfit& misfit : misfits) {
    std::string key = misfit.reason;
    if (!misfit.kind.empty()) absl::StrAppend(&key, " (need ", misfit.need, " ", misfit.kind);
    Count& count = counts[key];
    count.least = count.nodes == 0 ? misfit.have : std::min(count.least, misfit.have);
    count.most = std::max(count.most, misfit.have);
    ++count.nodes;
  }
  std::vector<std::pair<int, std::string>> parts;  // Most nodes first.
  for (const auto& [reason, count] : counts) {
    std::string part = absl::StrCat(count.nodes, " ", reason);
    if (absl::StrContains(reason, "(need")) {
      absl::StrAppend(&part, ", have ", count.least == count.most ? "" : "at most ", count.most,
                      mode == FitMode::kNow ? " free)" : ")");
    }
    parts.emplace_back(-count.nodes, std::move(part));
  }
  if (fitting > 0) {
    parts.emplace_back(1, absl::StrCat(fitting, fitting == 1 ? " fits" : " fit", " (need ", wanted,
                                       wanted == 1 ? " node)" : " nodes)"));
  }
  std::sort(parts.begin(), parts.end());
  const int nodes = static_cast<int>(misfits.size()) + fitting;
  if (nodes == 0) return absl::StrCat("no node has registered (need ", wanted, ")");
  return absl::StrCat(nodes, nodes == 1 ? " node: " : " nodes: ",
                      absl::StrJoin(parts, ", ", [](std::string* out, const auto& part) {
                        absl::StrAppend(out, part.second);
                      }));
}

}  // namespace muster

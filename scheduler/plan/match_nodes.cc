#include "scheduler/plan/match_nodes.h"

#include <algorithm>
#include <utility>

namespace muster {
namespace {

constexpr int kNone = -1;

// The way of augmenting paths: a host without a node takes one whose host finds another. Equal
// shares are one kind, and a gang has few kinds, so that the search goes from kind to kind.
// Short-lived: made, run once, dropped.
class Matcher {
 public:
  Matcher(const std::vector<const NodeView*>& nodes, const std::vector<Share>& shares,
          const FindMisfitOf& misfit);

  NodeMatch Run() &&;

 private:
  struct Kind {
    Share share;
    std::vector<signed char> fits;  // By node: 1, 0, or kNone while nobody has asked.
    size_t next_free = 0;           // No node before this is free and fits.
    // In the search under way: from which kind it was reached, through whose node.
    int from = kNone;
    int through = kNone;
  };

  bool GiveNode(size_t host);
  bool Fits(Kind* kind, size_t node);
  // The first node that is free and fits, or kNone. Nodes once taken stay taken.
  int FreeNode(Kind* kind);
  void Move(size_t host, int node);
  // Hosts with equal shares get their nodes in the nodes' order.
  void SortWithinKinds();

  const std::vector<const NodeView*>& nodes_;
  const FindMisfitOf& misfit_;
  std::vector<Kind> kinds_;
  std::vector<size_t> kind_of_;  // By host.
  std::vector<int> node_of_;     // By host.
  std::vector<int> host_of_;     // By node; kNone: it is free.
};

Matcher::Matcher(const std::vector<const NodeView*>& nodes, const std::vector<Share>& shares,
                 const FindMisfitOf& misfit)
    : nodes_(nodes), misfit_(misfit), host_of_(nodes.size(), kNone) {
  for (const Share& share : shares) {
    const auto same = [&share](const Kind& kind) { return kind.share == share; };
    // Neighbours are mostly alike.
    auto kind = std::find_if(kinds_.rbegin(), kinds_.rend(), same);
    if (kind == kinds_.rend()) {
      kinds_.push_back({share, std::vector<signed char>(nodes.size(), kNone)});
      kind = kinds_.rbegin();
    }
    kind_of_.push_back(static_cast<size_t>(&*kind - kinds_.data()));
  }
}

NodeMatch Matcher::Run() && {
  NodeMatch match;
  for (size_t host = 0; host < kind_of_.size(); ++host) {
    if (GiveNode(host)) continue;
    for (size_t node = 0; node < nodes_.size(); ++node) {
      if (host_of_[node] != kNone) continue;
      match.misfits.push_back(*misfit_(*nodes_[node], kinds_[kind_of_[host]].share));
    }
    break;
  }
  SortWithinKinds();
  for (const int node : node_of_) match.nodes.push_back(nodes_[static_cast<size_t>(node)]);
  return match;
}

void Matcher::SortWithinKinds() {
  std::vector<std::vector<int>> nodes(kinds_.size());
  for (size_t host = 0; host < node_of_.size(); ++host) {
    nodes[kind_of_[host]].push_back(node_of_[host]);
  }
  for (std::vector<int>& of_kind : nodes) std::sort(of_kind.rbegin(), of_kind.rend());
  for (size_t host = 0; host < node_of_.size(); ++host) {
    std::vector<int>& left = nodes[kind_of_[host]];
    node_of_[host] = left.back();
    left.pop_back();
  }
}

bool Matcher::GiveNode(size_t host) {
  for (Kind& kind : kinds_) kind.from = kind.through = kNone;
  const size_t wanted = kind_of_[host];
  std::vector<size_t> reached = {wanted};
  for (size_t i = 0; i < reached.size(); ++i) {
    size_t kind = reached[i];
    int node = FreeNode(&kinds_[kind]);
    if (node == kNone) {  // What nodes would do, and whose they are.
      for (size_t taken = 0; taken < nodes_.size(); ++taken) {
        if (host_of_[taken] == kNone || !Fits(&kinds_[kind], taken)) continue;
        const size_t other = kind_of_[static_cast<size_t>(host_of_[taken])];
        if (other == wanted || kinds_[other].from != kNone) continue;
        kinds_[other].from = static_cast<int>(kind);
        kinds_[other].through = static_cast<int>(taken);
        reached.push_back(other);
      }
      continue;
    }
    for (; kind != wanted; kind = static_cast<size_t>(kinds_[kind].from)) {
      const int left = kinds_[kind].through;
      Move(static_cast<size_t>(host_of_[static_cast<size_t>(left)]), node);
      node = left;
    }
    Move(host, node);
    return true;
  }
  return false;
}

bool Matcher::Fits(Kind* kind, size_t node) {
  signed char& fits = kind->fits[node];
  if (fits == kNone) fits = misfit_(*nodes_[node], kind->share).has_value() ? 0 : 1;
  return fits == 1;
}

int Matcher::FreeNode(Kind* kind) {
  size_t& node = kind->next_free;
  while (node < nodes_.size() && (host_of_[node] != kNone || !Fits(kind, node))) ++node;
  return node < nodes_.size() ? static_cast<int>(node) : kNone;
}

void Matcher::Move(size_t host, int node) {
  if (host == node_of_.size()) node_of_.push_back(kNone);
  node_of_[host] = node;
  host_of_[static_cast<size_t>(node)] = static_cast<int>(host);
}

}  // namespace

NodeMatch MatchNodes(const std::vector<const NodeView*>& nodes, const std::vector<Share>& shares,
                     const FindMisfitOf& misfit) {
  return Matcher(nodes, shares, misfit).Run();
}

}  // namespace muster

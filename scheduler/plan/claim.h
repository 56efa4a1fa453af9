#ifndef MUSTER_SCHEDULER_PLAN_CLAIM_H_
#define MUSTER_SCHEDULER_PLAN_CLAIM_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/job/constraint.h"
#include "muster/v1/job.pb.h"
#include "scheduler/plan/cluster_view.h"

namespace muster {

// What the job at the head of the queue may need, so that jobs behind it take none of that.
//
// A node counts for the head when it could take one of its hosts, were it idle: it is there, not
// cordoned, has the labels and the healthy devices. Of such a node the head's kinds of devices are
// claimed, and the ports that it names. Ranks without devices are never held back. A head that
// could not be placed on those nodes claims nothing: whoever passes it does not make it wait.
//
// Pure, a value; lives for one pass of the queue.
class Claim {
 public:
  // `idle` is the cluster with nothing in use.
  Claim(const v1::JobSpec& head, const ClusterView& idle);

  // False: the head cannot start on these nodes, whatever ends.
  bool possible() const { return possible_; }

  // Whether a gang there takes something of it.
  bool Touches(const v1::Placement& placement) const;

  // Marks all of it as in use: nothing that is placed on `cluster` meets the head at all.
  void HoldAll(ClusterView* cluster) const;
  // Marks what is free now and must stay so, in `cluster` with `gangs` on it: a node that has
  // enough for the head once some of its gangs have ended, in whatever order they do, must have
  // enough with the newcomers as well. The devices that are left unmarked cannot matter: gangs give
  // theirs back at once, and so more than the head lacks.
  void HoldNeeded(const std::vector<const v1::Placement*>& gangs, ClusterView* cluster) const;

 private:
  struct OfNode {
    std::map<std::string, std::set<int>> needs;  // By kind: what hosts of the head may need here.
    std::set<uint32_t> ports;
  };

  bool possible_ = false;
  std::map<std::string, OfNode> nodes_;  // By node id.
};

// How many of `free` devices a newcomer may take for as long as it likes, where a host that needs
// `need` > `free` waits for gangs that hold `held` devices to end. Pure.
int SpareDevices(int need, int free, const std::vector<int>& held);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_PLAN_CLAIM_H_

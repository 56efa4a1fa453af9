#ifndef MUSTER_COMMON_JOB_NODE_LIST_H_
#define MUSTER_COMMON_JOB_NODE_LIST_H_

#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// Hosts of a job by node rank, as RoleSpec.node_ranks names them: `0`, `0-1,3`, or `2-` for all
// from host 2 on. A value; all hosts unless some were named.
class NodeList {
 public:
  NodeList() : ranges_{{0, kOpen}} {}

  // Empty text: all. INVALID_ARGUMENT: no such list, or its hosts do not ascend.
  static absl::StatusOr<NodeList> Parse(absl::string_view text);
  // What Parse() reads as these hosts, which ascend: `0-2,4`.
  static std::string Write(const std::vector<int>& nodes);

  bool Has(int node) const;
  // How many of its hosts are among the first `num_nodes` of the job.
  int CountAmong(int num_nodes) const;
  // The highest host that is named: of `0-3` it is 3, of `2-` it is 2.
  int HighestNamed() const;

 private:
  static constexpr int kOpen = std::numeric_limits<int>::max();
  struct Range {
    int first = 0;
    int last = 0;  // kOpen: there is no last one.
  };

  std::vector<Range> ranges_;  // They ascend, and do not overlap.
};

}  // namespace muster

#endif  // MUSTER_COMMON_JOB_NODE_LIST_H_

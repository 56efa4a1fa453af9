#ifndef MUSTER_TESTS_LAUNCH_LAUNCH_CASE_H_
#define MUSTER_TESTS_LAUNCH_LAUNCH_CASE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "launch/render.h"

namespace muster {

// A job that is placed and ready to be rendered, rank by rank. Made from a spec in protobuf's text
// format; tests change spec, placement or context before they render.
class LaunchCase {
 public:
  // `num_nodes` 0: as many as the spec asks for. CHECK-fails on a spec that cannot be placed.
  explicit LaunchCase(const std::string& spec_text, int num_nodes = 0);

  // The rank at position `local` of host `node`.
  absl::StatusOr<RenderedRank> Render(int node, int local);

  v1::JobSpec spec;
  v1::Placement placement;
  LaunchContext context;
  std::map<std::string, std::string> base_env;
};

}  // namespace muster

#endif  // MUSTER_TESTS_LAUNCH_LAUNCH_CASE_H_

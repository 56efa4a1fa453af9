#include "tests/launch/launch_case.h"

#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"
#include "launch/registry.h"
#include "launch/sample_placement.h"

namespace muster {

LaunchCase::LaunchCase(const std::string& spec_text, int num_nodes) {
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(spec_text, &spec)) << spec_text;
  CompleteSpec(&spec);
  absl::StatusOr<v1::Placement> placed = SamplePlacement(spec, num_nodes);
  EXPECT_TRUE(placed.ok()) << placed.status();
  if (placed.ok()) placement = *std::move(placed);
  context.job_id = "digits-0a1b2c";
  context.gang_dir = "/gang";
}

absl::StatusOr<RenderedRank> LaunchCase::Render(int node, int local) {
  context.spec = &spec;
  context.placement = &placement;
  context.node_rank = node;
  context.rank = &placement.nodes(node).ranks(local);
  return RenderRank(context, base_env);
}

}  // namespace muster

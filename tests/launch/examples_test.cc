// The job files that come with Muster are sound, and every rank of theirs can be rendered.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "ctl/spec/spec_loader.h"
#include "launch/render.h"
#include "launch/sample_placement.h"

namespace muster {
namespace {

constexpr char kDir[] = "deploy/examples";

void RenderAll(const v1::JobSpec& spec) {
  const absl::StatusOr<v1::Placement> placement = SamplePlacement(spec);
  ASSERT_TRUE(placement.ok()) << placement.status();
  LaunchContext context;
  context.spec = &spec;
  context.placement = &*placement;
  context.job_id = "example-0a1b2c";
  context.gang_dir = "/gang";
  for (; context.node_rank < placement->nodes_size(); ++context.node_rank) {
    for (const v1::RankPlacement& rank : placement->nodes(context.node_rank).ranks()) {
      context.rank = &rank;
      const absl::StatusOr<RenderedRank> rendered = RenderRank(context, {});
      EXPECT_TRUE(rendered.ok()) << rendered.status();
    }
  }
}

TEST(ExamplesTest, EveryOneCanBeRendered) {
  const absl::StatusOr<std::vector<std::string>> names = ListDir(kDir);
  ASSERT_TRUE(names.ok()) << names.status();
  int count = 0;
  for (const std::string& name : *names) {
    if (!absl::EndsWith(name, ".yaml")) continue;
    SCOPED_TRACE(name);
    const absl::StatusOr<v1::JobSpec> spec = LoadJobFile(JoinPath(kDir, name));
    ASSERT_TRUE(spec.ok()) << spec.status();
    RenderAll(*spec);
    ++count;
  }
  EXPECT_GE(count, 8);
}

}  // namespace
}  // namespace muster

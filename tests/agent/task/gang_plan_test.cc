// What of a contract's plan is the host's to do: looking at files, directories, binding.
#include "agent/task/gang_plan.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "launch/registry.h"
#include "launch/sample_placement.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Deals processor i to rank i, of those that are to be bound.
class OneEach : public Topology {
 public:
  int cpus() const override { return 64; }
  absl::StatusOr<std::vector<std::vector<int>>> Bind(
      v1::CoreBinding binding, const std::vector<int>& numa_nodes) const override {
    std::vector<std::vector<int>> bound(numa_nodes.size());
    for (size_t i = 0; i < bound.size(); ++i) bound[i] = {static_cast<int>(i)};
    return bound;
  }
};

class GangPlanTest : public ::testing::Test {
 protected:
  GangPlanTest() {
    host_.gang_dir = tree_.Path("gang");
    host_.topology = &topology_;
    mkdir(tree_.Path("work").c_str(), 0755);
    mkdir(host_.gang_dir.c_str(), 0755);
  }

  absl::StatusOr<HostGangPlan> Build(const std::string& spec) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        absl::StrCat("command: 'x' workdir: '", tree_.Path("work"), "' ", spec),
        request_.mutable_spec()));
    CompleteSpec(request_.mutable_spec());
    *request_.mutable_placement() = *SamplePlacement(request_.spec());
    request_.mutable_gang()->set_job_id("x-0a1b2c");
    return BuildGangPlan(request_, host_);
  }

  TempTree tree_;
  OneEach topology_;
  GangPlanHost host_;
  v1::StartGangRequest request_;
};

TEST_F(GangPlanTest, ASchedulerProcessIsLeftOutOfTheBinding) {
  const auto plan = Build(
      "contract: 'mindspore' bind: CORE_BINDING_CORE roles { name: 'scheduler' count: 1 } "
      "roles { name: 'worker' per_node: 2 }");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->shim.ranks.size(), 3u);
  EXPECT_THAT(plan->shim.ranks[0].cpus, IsEmpty());
  EXPECT_THAT(plan->shim.ranks[1].cpus, ElementsAre(0));
  EXPECT_THAT(plan->shim.ranks[2].cpus, ElementsAre(1));
}

TEST_F(GangPlanTest, AMissingFileOfTheUsersIsSaidBeforeAnythingIsMade) {
  const std::string missing = tree_.Path("no-such.json");
  const auto plan = Build(absl::StrCat("contract: 'mindspore' logs { dir: 'logs' } ",
                                       "mindspore { tls_config_file: '", missing, "' }"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  const absl::Status written = WriteGangPlan(*plan);
  EXPECT_THAT(std::string(written.message()),
              HasSubstr(absl::StrCat("mindspore.tls_config_file: ", missing)));
  EXPECT_FALSE(PathExists(tree_.Path("work/logs")));
}

TEST_F(GangPlanTest, ATableThatDoesNotFitIsRefused) {
  const std::string table = tree_.Write("table.json", "{}");
  const auto plan = Build(absl::StrCat(
      "contract: 'rank_table' devices_per_rank { kind: 'ascend' count: 1 } rank_table { file: '",
      table, "' }"));
  ASSERT_TRUE(plan.ok()) << plan.status();
  const absl::Status written = WriteGangPlan(*plan);
  EXPECT_EQ(written.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(written.message()),
              HasSubstr(absl::StrCat("rank_table.file: ", table, ": version: it is missing")));
}

TEST_F(GangPlanTest, TablesAndDirectoriesOfProcessesAreMade) {
  const auto plan = Build(
      "contract: 'rank_table' ranks_per_node: 2 devices_per_rank { kind: 'ascend' count: 1 } "
      "rank_table { device_dirs: true } logs { dir: '.' }");
  ASSERT_TRUE(plan.ok()) << plan.status();
  const absl::Status written = WriteGangPlan(*plan);
  ASSERT_TRUE(written.ok()) << written;
  EXPECT_EQ(plan->shim.ranks[1].workdir, tree_.Path("work/device1"));
  EXPECT_TRUE(PathExists(tree_.Path("work/device1")));
  EXPECT_TRUE(PathExists(tree_.Path("gang/rank_table.json")));
}

TEST_F(GangPlanTest, AWorkdirThatIsNotThereIsNotMade) {
  const auto plan = Build("contract: 'plain'");
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(rmdir(tree_.Path("work").c_str()), 0);
  EXPECT_EQ(WriteGangPlan(*plan).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster

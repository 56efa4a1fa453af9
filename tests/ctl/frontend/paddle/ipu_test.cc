// Typed from paddle.md, sections 2.6 and 6, and the document's example 10.
#include "ctl/frontend/paddle/ipu.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

std::vector<std::string> ExampleTen(const std::string& devices = "4",
                                    const std::string& replica = "1") {
  return {"--devices",
          devices,
          "ipu",
          "--hosts=localhost",
          "--nproc_per_host=2",
          "--ipus_per_replica=" + replica,
          "--ipu_partition=pod16",
          "--vipu_server=127.0.0.1",
          "train.py"};
}

TEST(IpuTest, ExampleTenIsTwoInstancesOfFourReplicas) {
  const PodSettings settings = TestPodSettings(ExampleTen());
  int exit_code = 0;
  const auto job = ReadIpuJob(settings, "paddle-launch", &exit_code);
  ASSERT_TRUE(job.ok()) << job.status();
  const PodPlan plan = PlanIpu(settings, *job, TestNode(0, 1));
  ASSERT_EQ(plan.processes.size(), 1u);
  const ProcessSpec& spec = plan.processes[0].spec;
  EXPECT_EQ(spec.argv[0], "poprun");
  EXPECT_THAT(spec.argv, Contains("--num-instances=2"));
  EXPECT_THAT(spec.argv, Contains("--num-replicas=4"));
  EXPECT_EQ(spec.argv.back(), "train.py");
  EXPECT_EQ(spec.env.at("FLAGS_selected_ipus"), "4");
  EXPECT_EQ(spec.out_path, "/work/log/workerlog.0");
  EXPECT_EQ(plan.notes.front(), "-----------  PopRun Command -----------");
  EXPECT_EQ(plan.notes[1], "poprun \\");
}

TEST(IpuTest, CountsMustDivide) {
  int exit_code = 0;
  EXPECT_FALSE(ReadIpuJob(TestPodSettings(ExampleTen("3")), "p", &exit_code).ok());
  EXPECT_EQ(exit_code, 1);
  EXPECT_FALSE(ReadIpuJob(TestPodSettings(ExampleTen("4", "3")), "p", &exit_code).ok());
  EXPECT_EQ(exit_code, 1);
}

TEST(IpuTest, AMissingFlagIsOneLine) {
  int exit_code = 0;
  const auto job = ReadIpuJob(TestPodSettings({"--devices=4", "ipu", "--hosts=a", "train.py"}),
                              "paddle-launch", &exit_code);
  EXPECT_EQ(exit_code, 2);
  EXPECT_EQ(job.status().message(), "paddle-launch ipu: error: --nproc_per_host is required\n");
}

}  // namespace
}  // namespace muster

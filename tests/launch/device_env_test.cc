#include "launch/device_env.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/launch/launch_case.h"

namespace muster {
namespace {

std::string JobWith(const std::string& kind, const std::string& more = "") {
  return absl::StrCat("command: 'x' ranks_per_node: 4 devices_per_rank { kind: '", kind,
                      "' count: 1 } ", more);
}

// As if the host's first `offset` devices belonged to another job.
void ShiftDevices(LaunchCase* job, int offset) {
  for (v1::DeviceId& device : *job->placement.mutable_nodes(0)->mutable_devices()) {
    device.set_physical(device.physical() + offset);
  }
}

std::string EnvOf(const absl::StatusOr<RenderedRank>& rendered, const std::string& name) {
  EXPECT_TRUE(rendered.ok()) << rendered.status();
  if (!rendered.ok() || rendered->env.count(name) == 0) return "(not set)";
  return rendered->env.at(name);
}

TEST(DeviceEnvTest, EachKindHasItsOwnVariable) {
  const struct {
    const char* kind;
    const char* variable;
  } kCases[] = {{"nvidia", "CUDA_VISIBLE_DEVICES"},
                {"ascend", "ASCEND_RT_VISIBLE_DEVICES"},
                {"xpu", "XPU_VISIBLE_DEVICES"},
                {"mlu", "MLU_VISIBLE_DEVICES"}};
  for (const auto& test : kCases) {
    LaunchCase job(JobWith(test.kind));
    EXPECT_EQ(EnvOf(job.Render(0, 2), test.variable), "0,1,2,3") << test.kind;
    EXPECT_EQ(EnvOf(job.Render(0, 2), "MUSTER_VISIBLE_DEVICES"), "0,1,2,3") << test.kind;
  }
}

TEST(DeviceEnvTest, OtherKindsHaveMustersVariableAlone) {
  LaunchCase job(JobWith("tpu-lab"));
  const auto rendered = job.Render(0, 0);
  EXPECT_EQ(EnvOf(rendered, "MUSTER_VISIBLE_DEVICES"), "0,1,2,3");
  for (const auto& [name, value] : rendered->env) {
    EXPECT_TRUE(name.find("MUSTER_") == 0) << name;
  }
}

// Two jobs share a host of eight: under each contract, every rank finds its own by its index.
TEST(DeviceEnvTest, EveryRankOfTwoJobsFindsItsOwnDeviceByIndex) {
  for (const char* contract : {"plain", "torch"}) {
    for (const int offset : {0, 4}) {
      LaunchCase job(JobWith("nvidia", absl::StrCat("contract: '", contract, "'")));
      ShiftDevices(&job, offset);
      for (int rank = 0; rank < 4; ++rank) {
        const auto rendered = job.Render(0, rank);
        const std::vector<std::string> visible =
            absl::StrSplit(EnvOf(rendered, "CUDA_VISIBLE_DEVICES"), ',');
        ASSERT_EQ(visible.size(), 4u);
        const int index = std::stoi(EnvOf(rendered, "MUSTER_RANK_DEVICES"));
        EXPECT_EQ(visible[static_cast<size_t>(index)], absl::StrCat(offset + rank)) << contract;
        if (std::string(contract) == "torch") {
          EXPECT_EQ(EnvOf(rendered, "LOCAL_RANK"), absl::StrCat(index));
        }
      }
    }
  }
}

TEST(DeviceEnvTest, ARankWithSeveralDevicesIsToldAllTheirIndices) {
  LaunchCase job("command: 'x' ranks_per_node: 2 devices_per_rank { kind: 'nvidia' count: 2 }");
  EXPECT_EQ(EnvOf(job.Render(0, 1), "CUDA_VISIBLE_DEVICES"), "0,1,2,3");
  EXPECT_EQ(EnvOf(job.Render(0, 1), "MUSTER_RANK_DEVICES"), "2,3");
}

TEST(DeviceEnvTest, PlainMayShowARankItsOwnDevicesAlone) {
  LaunchCase job(
      "command: 'x' ranks_per_node: 4 "
      "devices_per_rank { kind: 'nvidia' count: 1 visible: VISIBLE_DEVICES_RANK }");
  ShiftDevices(&job, 4);
  EXPECT_EQ(EnvOf(job.Render(0, 2), "CUDA_VISIBLE_DEVICES"), "6");
  EXPECT_EQ(EnvOf(job.Render(0, 2), "MUSTER_RANK_DEVICES"), "0");
}

TEST(DeviceEnvTest, WithoutDevicesTheUsersVariablesAreLeftAlone) {
  LaunchCase job("command: 'x'");
  job.base_env["CUDA_VISIBLE_DEVICES"] = "GPU-uuid";
  EXPECT_EQ(EnvOf(job.Render(0, 0), "CUDA_VISIBLE_DEVICES"), "GPU-uuid");
  EXPECT_EQ(EnvOf(job.Render(0, 0), "MUSTER_VISIBLE_DEVICES"), "(not set)");
}

struct NarrowCase {
  std::string user;
  std::string visible;  // Or the error's message.
  std::string note;
};

class NarrowTest : public testing::TestWithParam<NarrowCase> {};

TEST_P(NarrowTest, AUsersListTakesDevicesAwayAndNeverAddsOne) {
  LaunchCase job(JobWith("nvidia", absl::StrCat("env { key: 'CUDA_VISIBLE_DEVICES' value: '",
                                                GetParam().user, "' }")));
  ShiftDevices(&job, 4);  // Holds 4,5,6,7.
  const auto rendered = job.Render(0, 1);
  if (!rendered.ok()) {
    EXPECT_EQ(rendered.status().message(), GetParam().visible);
    return;
  }
  EXPECT_EQ(EnvOf(rendered, "CUDA_VISIBLE_DEVICES"), GetParam().visible);
  EXPECT_EQ(EnvOf(rendered, "MUSTER_VISIBLE_DEVICES"), GetParam().visible);
  EXPECT_EQ(rendered->notes.empty() ? "" : rendered->notes[0], GetParam().note);
}

INSTANTIATE_TEST_SUITE_P(
    All, NarrowTest,
    testing::Values(
        NarrowCase{"0,1,2,3,4,5,6,7", "4,5,6,7", ""}, NarrowCase{"7,6,5,4", "4,5,6,7", ""},
        NarrowCase{"4, 5", "4,5",
                   "CUDA_VISIBLE_DEVICES=4, 5 hides devices that the job holds: 6,7"},
        NarrowCase{"5,-1,6", "5",
                   "CUDA_VISIBLE_DEVICES=5,-1,6 hides devices that the job holds: 4,6,7"},
        NarrowCase{"", "", "CUDA_VISIBLE_DEVICES= hides devices that the job holds: 4,5,6,7"},
        NarrowCase{"0,1",
                   "env CUDA_VISIBLE_DEVICES=0,1: the job was given other devices (4,5,6,7); leave "
                   "the variable out, and ask for devices by count",
                   ""},
        NarrowCase{"GPU-7c",
                   "env CUDA_VISIBLE_DEVICES=GPU-7c: 'GPU-7c' is not a device's number; "
                   "write the numbers that the vendor's tool shows, or leave the variable "
                   "out",
                   ""}));

TEST(DeviceEnvTest, ARankWhoseDeviceWasTakenAwayIsNotGivenAnotherOnesIndex) {
  LaunchCase job(JobWith("nvidia", "env { key: 'CUDA_VISIBLE_DEVICES' value: '1,3' }"));
  EXPECT_EQ(EnvOf(job.Render(0, 0), "MUSTER_RANK_DEVICES"), "");
  EXPECT_EQ(EnvOf(job.Render(0, 3), "MUSTER_RANK_DEVICES"), "1");
}

TEST(DeviceEnvTest, CudaCountsAsTheVendorsToolsDoUnlessTheUserSaysOtherwise) {
  LaunchCase job(JobWith("nvidia", "env { key: 'CUDA_DEVICE_ORDER' value: 'FASTEST_FIRST' }"));
  EXPECT_EQ(EnvOf(job.Render(0, 0), "CUDA_DEVICE_ORDER"), "FASTEST_FIRST");
}

TEST(DeviceEnvTest, RolesMayHaveDevicesOfDifferentKinds) {
  LaunchCase job(
      "command: 'x' roles { name: 'a' per_node: 1 devices_per_rank { kind: 'nvidia' count: 2 } } "
      "roles { name: 'b' per_node: 2 devices_per_rank { kind: 'ascend' count: 1 } }");
  const auto second = job.Render(0, 2);
  EXPECT_EQ(EnvOf(second, "CUDA_VISIBLE_DEVICES"), "0,1");
  EXPECT_EQ(EnvOf(second, "ASCEND_RT_VISIBLE_DEVICES"), "0,1");
  EXPECT_EQ(EnvOf(second, "MUSTER_VISIBLE_DEVICES"), "0,1");
  EXPECT_EQ(EnvOf(second, "MUSTER_RANK_DEVICES"), "1");
}

TEST(DeviceEnvTest, AnIndexBeyondTheHostsDevicesIsOurFault) {
  LaunchCase job(JobWith("nvidia"));
  job.placement.mutable_nodes(0)->mutable_ranks(1)->set_devices(0, 4);
  EXPECT_EQ(job.Render(0, 1).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace muster

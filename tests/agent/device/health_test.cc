#include "agent/device/health.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Device Gpu(int physical, const std::string& trouble = "") {
  v1::Device device;
  device.set_kind("nvidia");
  device.set_physical(physical);
  device.set_uuid("GPU-" + std::to_string(physical));
  device.set_healthy(trouble.empty());
  device.set_health_reason(trouble);
  return device;
}

TEST(CompareProbesTest, SaysNothingWhenNothingChanged) {
  const ProbeOutcome outcome = CompareProbes({Gpu(0), Gpu(1)}, {Gpu(0), Gpu(1)});
  EXPECT_THAT(outcome.changes, IsEmpty());
  EXPECT_EQ(outcome.devices.size(), 2u);
}

TEST(CompareProbesTest, KeepsAVanishedDeviceAsUnhealthy) {
  const ProbeOutcome outcome = CompareProbes({Gpu(0), Gpu(1)}, {Gpu(1)});
  ASSERT_EQ(outcome.devices.size(), 2u);
  EXPECT_FALSE(outcome.devices[0].healthy());
  EXPECT_EQ(outcome.devices[0].uuid(), "GPU-0");
  EXPECT_THAT(outcome.changes,
              ElementsAre("device nvidia 0: unhealthy, gone: the last probe did not find it"));
}

TEST(CompareProbesTest, TellsFailuresAndRecoveries) {
  EXPECT_THAT(CompareProbes({Gpu(0)}, {Gpu(0, "NVML: GPU is lost")}).changes,
              ElementsAre("device nvidia 0: unhealthy, NVML: GPU is lost"));
  EXPECT_THAT(CompareProbes({Gpu(0, "NVML: GPU is lost")}, {Gpu(0)}).changes,
              ElementsAre("device nvidia 0: healthy"));
}

TEST(CompareProbesTest, TellsOfNewAndReplacedDevices) {
  v1::Device replaced = Gpu(0);
  replaced.set_uuid("GPU-other");
  EXPECT_THAT(CompareProbes({Gpu(0)}, {replaced, Gpu(1)}).changes,
              ElementsAre("device nvidia 0: another one is in its place, uuid GPU-other, healthy",
                          "device nvidia 1: new, healthy"));
}

}  // namespace
}  // namespace muster

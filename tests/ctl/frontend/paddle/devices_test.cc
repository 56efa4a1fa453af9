// Typed from paddle.md, section 2.1, device detection order.
#include "ctl/frontend/paddle/devices.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PaddleDevices Find(const std::map<std::string, std::string>& env,
                   const std::vector<std::string>& kinds = {}) {
  const auto found = FindPaddleDevices(env, [&]() -> absl::StatusOr<std::vector<v1::Device>> {
    std::vector<v1::Device> devices;
    for (const std::string& kind : kinds) devices.emplace_back().set_kind(kind);
    return devices;
  });
  EXPECT_TRUE(found.ok()) << found.status();
  return found.value_or(PaddleDevices());
}

TEST(PaddleDevicesTest, AVisibleListNamesKindAndLabels) {
  const PaddleDevices gpus = Find({{"CUDA_VISIBLE_DEVICES", "4,5"}});
  EXPECT_EQ(gpus.flag(), "gpus");
  EXPECT_THAT(gpus.labels, ElementsAre("4", "5"));
  EXPECT_EQ(Find({{"XPU_VISIBLE_DEVICES", "0"}}).flag(), "xpus");
  EXPECT_EQ(Find({{"ASCEND_VISIBLE_DEVICES", "0"}}).flag(), "npus");
  EXPECT_EQ(Find({{"MLU_VISIBLE_DEVICES", "0"}}).flag(), "mlus");
}

TEST(PaddleDevicesTest, XpusComeBeforeGpus) {
  EXPECT_EQ(Find({{"CUDA_VISIBLE_DEVICES", "0"}, {"XPU_VISIBLE_DEVICES", "1"}}).type, "xpu");
}

TEST(PaddleDevicesTest, ACustomBackendComesFirst) {
  const PaddleDevices found = Find({{"PADDLE_XCCL_BACKEND", "npu"},
                                    {"NPU_VISIBLE_DEVICES", "2,3"},
                                    {"CUDA_VISIBLE_DEVICES", "0"}});
  EXPECT_EQ(found.flag(), "npus");
  EXPECT_EQ(found.xccl_backend, "npu");
  EXPECT_THAT(found.labels, ElementsAre("2", "3"));
}

TEST(PaddleDevicesTest, AnEmptyListIsOneDeviceWithoutALabel) {
  EXPECT_THAT(Find({{"CUDA_VISIBLE_DEVICES", ""}}).labels, ElementsAre(""));
}

TEST(PaddleDevicesTest, AsksTheHostForAllOrWithoutAList) {
  EXPECT_THAT(Find({{"CUDA_VISIBLE_DEVICES", "all"}}, {"nvidia", "nvidia"}).labels,
              ElementsAre("0", "1"));
  EXPECT_EQ(Find({}, {"nvidia"}).flag(), "gpus");
  EXPECT_EQ(Find({}, {"ascend"}).flag(), "npus");
  EXPECT_EQ(Find({}, {}).flag(), "");
}

TEST(SelectPaddleDevicesTest, SaysWhichDeviceIsNotVisible) {
  const auto selected = SelectPaddleDevices(Find({{"CUDA_VISIBLE_DEVICES", "4,5"}}), {"5", "0"});
  EXPECT_THAT(std::string(selected.status().message()),
              HasSubstr("Device not found 0 from 5,0: visible here is 4,5"));
}

}  // namespace
}  // namespace muster

#include "agent/device/nvidia_probe.h"

#include <stdlib.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

class NvidiaProbeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.root = tree_.root();
    options_.library = absl::StrCat(getenv("TEST_SRCDIR"), "/", getenv("TEST_WORKSPACE"),
                                    "/tests/agent/device/libfake_nvml.so");
    for (const char* name :
         {"FAKE_NVML_COUNT", "FAKE_NVML_INIT", "FAKE_NVML_BAD", "FAKE_NVML_BAD_GPU"}) {
      unsetenv(name);
    }
  }
  void WithoutLibrary() { options_.library = tree_.Path("no-such-library.so"); }
  void Set(const char* name, const std::string& value) { setenv(name, value.c_str(), 1); }
  void Break(int gpu, const std::string& trouble) {
    Set("FAKE_NVML_BAD_GPU", std::to_string(gpu));
    Set("FAKE_NVML_BAD", trouble);
  }
  void AddProcGpu(const std::string& address, int minor, const std::string& model) {
    tree_.Write(absl::StrCat("proc/driver/nvidia/gpus/", address, "/information"),
                absl::StrCat("Model: \t\t ", model, "\nIRQ:   \t\t 52\nGPU UUID: \t GPU-u", minor,
                             "\nBus Type: \t PCIe\nBus Location: \t ", address,
                             "\nDevice Minor: \t ", minor, "\n"));
  }
  std::vector<v1::Device> Probe() {
    auto devices = NvidiaProbe(options_).Probe();
    EXPECT_TRUE(devices.ok()) << devices.status();
    return devices.ok() ? *devices : std::vector<v1::Device>();
  }

  TempTree tree_;
  NvidiaProbe::Options options_;
};

TEST_F(NvidiaProbeTest, FindsNothingOnAHostWithoutTheVendor) {
  WithoutLibrary();
  EXPECT_TRUE(Probe().empty());
}

TEST_F(NvidiaProbeTest, TellsWhatNvmlKnowsAndTheNumaNodeFromSysfs) {
  Set("FAKE_NVML_COUNT", "2");
  tree_.Write("sys/bus/pci/devices/0000:3c:00.0/numa_node", "1\n");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[1].kind(), "nvidia");
  EXPECT_EQ(devices[1].physical(), 1);
  EXPECT_EQ(devices[1].model(), "NVIDIA Test 1");
  EXPECT_EQ(devices[1].uuid(), "GPU-1");
  EXPECT_EQ(devices[1].memory_bytes(), int64_t{80} << 30);
  EXPECT_EQ(devices[1].numa_node(), 1);
  EXPECT_TRUE(devices[1].healthy());
  EXPECT_EQ(devices[0].numa_node(), -1);
}

TEST_F(NvidiaProbeTest, KeepsALostGpuAsUnhealthyAndTheOthersAsTheyAre) {
  Set("FAKE_NVML_COUNT", "3");
  Break(1, "lost");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_TRUE(devices[0].healthy());
  EXPECT_FALSE(devices[1].healthy());
  EXPECT_EQ(devices[1].health_reason(), "NVML: GPU is lost");
  EXPECT_EQ(devices[1].physical(), 1);
  EXPECT_TRUE(devices[2].healthy());
}

TEST_F(NvidiaProbeTest, RefusesAGpuCutIntoInstances) {
  Set("FAKE_NVML_COUNT", "1");
  Break(0, "mig");
  EXPECT_THAT(Probe().at(0).health_reason(), HasSubstr("MIG"));
}

TEST_F(NvidiaProbeTest, RefusesAGpuWithWornOutMemory) {
  Set("FAKE_NVML_COUNT", "1");
  Break(0, "worn");
  EXPECT_THAT(Probe().at(0).health_reason(), HasSubstr("row remapping"));
}

TEST_F(NvidiaProbeTest, TakesAGpuThatSharesTheHostsMemory) {
  Set("FAKE_NVML_COUNT", "1");
  Break(0, "shared");
  const auto devices = Probe();
  EXPECT_TRUE(devices.at(0).healthy());
  EXPECT_EQ(devices.at(0).memory_bytes(), 0);
}

TEST_F(NvidiaProbeTest, FindsNothingWhenTheLibraryHasNoDriver) {
  Set("FAKE_NVML_INIT", "9");
  tree_.Write("dev/nvidia0", "");
  EXPECT_TRUE(Probe().empty());
}

TEST_F(NvidiaProbeTest, ShowsGpusThatNobodyGetsAfterAHalfDoneDriverUpdate) {
  Set("FAKE_NVML_INIT", "18");
  tree_.Write("dev/nvidia0", "");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_FALSE(devices[0].healthy());
  EXPECT_EQ(devices[0].health_reason(), "NVML: Driver/library version mismatch");
}

TEST_F(NvidiaProbeTest, CountsTheDriversFilesByPciAddressWithoutTheLibrary) {
  WithoutLibrary();
  AddProcGpu("0000:5e:00.0", 0, "NVIDIA B");
  AddProcGpu("0000:3B:00.0", 1, "NVIDIA A");
  for (const char* file : {"dev/nvidia0", "dev/nvidia1", "dev/nvidiactl", "dev/nvidia-uvm"}) {
    tree_.Write(file, "");
  }
  tree_.Write("sys/bus/pci/devices/0000:3b:00.0/numa_node", "0\n");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].model(), "NVIDIA A");
  EXPECT_EQ(devices[0].uuid(), "GPU-u1");
  EXPECT_EQ(devices[0].physical(), 0);
  EXPECT_EQ(devices[0].numa_node(), 0);
  EXPECT_EQ(devices[1].model(), "NVIDIA B");
  EXPECT_TRUE(devices[1].healthy());
}

TEST_F(NvidiaProbeTest, LeavesOutGpusWhoseDeviceFileAContainerDoesNotHave) {
  WithoutLibrary();
  AddProcGpu("0000:3b:00.0", 0, "NVIDIA A");
  AddProcGpu("0000:5e:00.0", 1, "NVIDIA B");
  tree_.Write("dev/nvidia1", "");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0].model(), "NVIDIA B");
  EXPECT_EQ(devices[0].physical(), 0);
}

TEST_F(NvidiaProbeTest, CountsBareDeviceFilesWhenThereIsNothingElse) {
  WithoutLibrary();
  tree_.Write("dev/nvidia2", "");
  tree_.Write("dev/nvidia10", "");
  tree_.Write("dev/nvidiactl", "");
  EXPECT_EQ(Probe().size(), 2u);
}

}  // namespace
}  // namespace muster

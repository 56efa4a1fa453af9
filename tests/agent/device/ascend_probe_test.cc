#include "agent/device/ascend_probe.h"

#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

class AscendProbeTest : public ::testing::Test {
 protected:
  AscendProbeTest() {
    options_.root = tree_.root();
    options_.npu_smi = tree_.Path("no-such-npu-smi");
    options_.hccn_tool = tree_.Path("no-such-hccn-tool");
  }
  void AddDevice(int number) { tree_.Write(absl::StrCat("dev/davinci", number), ""); }
  // An npu-smi that is a script of the test's.
  void InstallNpuSmi(const std::string& script) {
    options_.npu_smi = tree_.Write("npu-smi", absl::StrCat("#!/bin/sh\n", script), 0755);
  }
  std::vector<v1::Device> Probe() {
    auto devices = AscendProbe(options_).Probe();
    EXPECT_TRUE(devices.ok()) << devices.status();
    return devices.ok() ? *devices : std::vector<v1::Device>();
  }

  TempTree tree_;
  AscendProbe::Options options_;
};

TEST_F(AscendProbeTest, StartsNoProgramOnAHostWithoutNpus) {
  InstallNpuSmi(absl::StrCat("touch ", tree_.Path("started")));
  EXPECT_TRUE(Probe().empty());
  EXPECT_NE(access(tree_.Path("started").c_str(), F_OK), 0);
}

TEST_F(AscendProbeTest, CountsDeviceFilesByNumberAndNothingElse) {
  AddDevice(10);
  AddDevice(2);
  tree_.Write("dev/davinci_manager", "");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].kind(), "ascend");
  EXPECT_EQ(devices[0].physical(), 2);
  EXPECT_EQ(devices[0].numa_node(), -1);
  EXPECT_TRUE(devices[0].healthy());
  EXPECT_EQ(devices[1].physical(), 10);
}

TEST_F(AscendProbeTest, AddsWhatNpuSmiKnows) {
  AddDevice(0);
  AddDevice(1);
  InstallNpuSmi(R"(if [ "$2" = -m ]; then cat <<EOF
	NPU ID                         Chip ID                        Chip Logic ID                  Chip Name
	0                              0                              0                              Ascend 910B3
	0                              1                              -                              Mcu
	1                              0                              1                              Ascend 910B3
EOF
else cat <<EOF
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     910B3               | OK            | 93.0        34                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          3162 / 65536         |
+===========================+===============+====================================================+
| 1     910B3               | Critical      | 93.0        34                0    / 0             |
| 0                         | 0000:C2:00.0  | 0           0    / 0          3162 / 65536         |
EOF
fi)");
  tree_.Write("sys/bus/pci/devices/0000:c1:00.0/numa_node", "3\n");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].model(), "Ascend910B3");
  EXPECT_EQ(devices[0].memory_bytes(), int64_t{65536} << 20);
  EXPECT_EQ(devices[0].numa_node(), 3);
  EXPECT_TRUE(devices[0].healthy());
  EXPECT_FALSE(devices[1].healthy());
  EXPECT_EQ(devices[1].health_reason(), "npu-smi: Critical");
}

TEST_F(AscendProbeTest, TakesTheNumaNodeFromTheDeviceItself) {
  AddDevice(0);
  tree_.Write("sys/class/devdrv/davinci0/device/numa_node", "2\n");
  EXPECT_EQ(Probe().at(0).numa_node(), 2);
}

TEST_F(AscendProbeTest, AddsTheDevicesOwnAddresses) {
  AddDevice(0);
  AddDevice(1);
  tree_.Write("etc/hccn.conf", "address_1=192.168.100.101\n");
  const auto devices = Probe();
  EXPECT_EQ(devices.at(0).address(), "");
  EXPECT_EQ(devices.at(1).address(), "192.168.100.101");
}

TEST_F(AscendProbeTest, AddsSuperDeviceIdsOfASuperPod) {
  AddDevice(0);
  AddDevice(1);
  InstallNpuSmi(R"sh(case "$*" in
"info -m") cat <<EOF
	NPU ID     Chip ID    Chip Logic ID    Chip Name
	0          0          0                Ascend 910_9362
	0          1          1                Ascend 910_9362
EOF
;;
"info -t spod-info -i 0 -c "*) echo "	SDID               : $((33554432 + $7))"
echo "	Super Pod ID       : 5" ;;
esac)sh");
  const auto devices = Probe();
  EXPECT_EQ(devices.at(0).super_device_id(), "33554432");
  EXPECT_EQ(devices.at(1).super_device_id(), "33554433");
}

TEST_F(AscendProbeTest, AnNpuSmiThatKnowsNoSuperPodsIsAskedForThemOnce) {
  AddDevice(0);
  AddDevice(1);
  InstallNpuSmi(absl::StrCat(R"sh(case "$*" in
"info -m") cat <<EOF
	NPU ID     Chip ID    Chip Logic ID    Chip Name
	0          0          0                Ascend 910B3
	1          0          1                Ascend 910B3
EOF
;;
"info -t"*) echo "$*" >> )sh",
                             tree_.Path("asked"), "; exit 1 ;;\nesac"));
  AscendProbe probe(options_);
  ASSERT_TRUE(probe.Probe().ok());
  ASSERT_TRUE(probe.Probe().ok());
  EXPECT_EQ(ReadFile(tree_.Path("asked")).value_or(""), "info -t spod-info -i 0 -c 0\n");
}

TEST_F(AscendProbeTest, CountsDevicesAlsoWhenNpuSmiHangs) {
  AddDevice(0);
  InstallNpuSmi("exec sleep 600");
  options_.timeout = absl::Milliseconds(20);
  EXPECT_EQ(Probe().size(), 1u);
}

TEST_F(AscendProbeTest, CountsDevicesAlsoWhenNpuSmiFails) {
  AddDevice(0);
  InstallNpuSmi("exit 1");
  const auto devices = Probe();
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_TRUE(devices[0].healthy());
}

}  // namespace
}  // namespace muster

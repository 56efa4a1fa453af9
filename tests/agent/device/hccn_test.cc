#include "agent/device/hccn.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(HccnTest, ReadsAddressesFromTheConfiguration) {
  EXPECT_THAT(ParseHccnConf("address_0=192.168.100.101\n"
                            "netmask_0=255.255.255.0\n"
                            "  address_10= 192.168.101.101 \r\n"
                            "gateway_0=192.168.100.1\n"
                            "address_x=1.2.3.4\n"
                            "address_1=\n"),
              ElementsAre(Pair(0, "192.168.100.101"), Pair(10, "192.168.101.101")));
  EXPECT_THAT(ParseHccnConf(""), IsEmpty());
}

TEST(HccnTest, ReadsTheToolsAnswer) {
  EXPECT_EQ(ParseHccnTool("ipaddr:192.168.100.101\nnetmask:255.255.255.0\n"), "192.168.100.101");
  EXPECT_EQ(ParseHccnTool("hccn_tool is busy, please try again\n"), "");
}

class DeviceAddressesTest : public ::testing::Test {
 protected:
  DeviceAddressesTest() {
    options_.root = tree_.root();
    options_.tool = tree_.Path("no-such-tool");
  }
  // A hccn_tool that is a script of the test's, and writes down what it is asked.
  void InstallTool(const std::string& script) {
    options_.tool = tree_.Write(
        "hccn_tool", absl::StrCat("#!/bin/sh\necho \"$*\" >> ", tree_.Path("asked"), "\n", script),
        0755);
  }
  std::string Asked() { return ReadFile(tree_.Path("asked")).value_or(""); }

  TempTree tree_;
  HccnOptions options_;
};

TEST_F(DeviceAddressesTest, AsksTheToolForWhatTheConfigurationLeavesOut) {
  tree_.Write("etc/hccn.conf", "address_0=192.168.0.1\n");
  InstallTool("echo ipaddr:192.168.9.$2");
  DeviceAddresses addresses(options_);
  EXPECT_THAT(addresses.Read({0, 3}), ElementsAre(Pair(0, "192.168.0.1"), Pair(3, "192.168.9.3")));
  EXPECT_EQ(Asked(), "-i 3 -ip -g\n");
}

TEST_F(DeviceAddressesTest, KeepsWhatTheToolSaid) {
  InstallTool("echo ipaddr:192.168.9.$2");
  DeviceAddresses addresses(options_);
  addresses.Read({1});
  EXPECT_THAT(addresses.Read({1}), ElementsAre(Pair(1, "192.168.9.1")));
  EXPECT_EQ(Asked(), "-i 1 -ip -g\n");
}

TEST_F(DeviceAddressesTest, AToolThatFailsIsAskedOnce) {
  InstallTool("exit 1");
  DeviceAddresses addresses(options_);
  EXPECT_THAT(addresses.Read({0, 1, 2}), IsEmpty());
  addresses.Read({0, 1, 2});
  EXPECT_EQ(Asked(), "-i 0 -ip -g\n");
}

TEST_F(DeviceAddressesTest, AToolThatHangsIsEnded) {
  InstallTool("exec sleep 600");
  options_.timeout = absl::Milliseconds(20);
  EXPECT_THAT(DeviceAddresses(options_).Read({0, 1}), IsEmpty());
}

TEST_F(DeviceAddressesTest, AHostWithoutEitherKnowsNone) {
  EXPECT_THAT(DeviceAddresses(options_).Read({0}), IsEmpty());
}

}  // namespace
}  // namespace muster

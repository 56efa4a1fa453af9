#include "agent/device/fixed_probe.h"

#include <stdlib.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "agent/device/device_probe.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

// "ascend:0 nvidia:0 nvidia:1".
std::string Names(const std::vector<v1::Device>& devices) {
  std::string names;
  for (const v1::Device& device : devices) {
    absl::StrAppend(&names, names.empty() ? "" : " ", device.kind(), ":", device.physical());
  }
  return names;
}

TEST(FixedProbeTest, MakesHealthyDevicesByKindThenNumber) {
  const auto devices = ParseFixedDevices("nvidia:2, ascend:1");
  ASSERT_TRUE(devices.ok()) << devices.status();
  EXPECT_EQ(Names(*devices), "ascend:0 nvidia:0 nvidia:1");
  EXPECT_TRUE(devices->at(0).healthy());
  EXPECT_EQ(devices->at(0).numa_node(), -1);
}

TEST(FixedProbeTest, TakesNoneAsNoDevices) {
  const auto devices = ParseFixedDevices("none");
  ASSERT_TRUE(devices.ok()) << devices.status();
  EXPECT_TRUE(devices->empty());
}

TEST(FixedProbeTest, NamesThePartThatIsWrong) {
  const struct {
    const char* text;
    const char* cause;
  } kCases[] = {
      {"", "\"\" is not KIND:COUNT"},
      {"nvidia", "\"nvidia\" is not KIND:COUNT"},
      {"nvidia:", "count \"\" of nvidia is not a number from 1 to 1024"},
      {"nvidia:0", "count \"0\" of nvidia is not a number from 1 to 1024"},
      {"nvidia:-1", "count \"-1\" of nvidia"},
      {"nvidia:1025", "count \"1025\" of nvidia"},
      {"nvidia:1:2", "count \"1:2\" of nvidia"},
      {"nvidia:99999999999999999999", "of nvidia is not a number from 1 to 1024"},
      {"NVIDIA:1", "kind \"NVIDIA\" is not a lower-case letter"},
      {":1", "kind \"\" is not"},
      {"nvidia:1,", "\"\" is not KIND:COUNT"},
      {"nvidia:1,nvidia:2", "kind nvidia is named twice"},
      {"none,nvidia:1", "none stands alone"},
      {"none:1", "none stands alone"},
  };
  for (const auto& test : kCases) {
    const auto devices = ParseFixedDevices(test.text);
    EXPECT_EQ(devices.status().code(), absl::StatusCode::kInvalidArgument) << test.text;
    const std::string message(devices.status().message());
    EXPECT_THAT(message, HasSubstr(test.cause)) << test.text;
    EXPECT_THAT(message, HasSubstr("write KIND:COUNT[,KIND:COUNT…], like nvidia:8, or none"));
  }
}

TEST(MakeDeviceProbeTest, PutsTheFixedListInPlaceOfEveryProbe) {
  setenv("MUSTER_DEVICES", "mlu:3", 1);
  const auto probe = MakeDeviceProbe("xpu:2");
  ASSERT_TRUE(probe.ok()) << probe.status();
  EXPECT_EQ(Names(*(*probe)->Probe()), "xpu:0 xpu:1");
}

TEST(MakeDeviceProbeTest, ReadsTheVariableWhereTheFlagSaysNothing) {
  setenv("MUSTER_DEVICES", "mlu:1", 1);
  const auto probe = MakeDeviceProbe("");
  ASSERT_TRUE(probe.ok()) << probe.status();
  EXPECT_EQ(Names(*(*probe)->Probe()), "mlu:0");
}

TEST(MakeDeviceProbeTest, RefusesAListItCannotRead) {
  setenv("MUSTER_DEVICES", "gpu", 1);
  EXPECT_EQ(MakeDeviceProbe("").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster

#include "ctl/cmd/hccl_request.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kAllVisible[] = "0,1,2,3,4,5,6,7";

TEST(HcclRequestTest, TakesTheRangesThatHcclToolsTakes) {
  EXPECT_EQ(ParseHcclRequest("[0,8)", kAllVisible)->device_ids.size(), 8u);
  EXPECT_THAT(ParseHcclRequest("[4,6)", kAllVisible)->device_ids, ElementsAre(4, 5));
  EXPECT_THAT(ParseHcclRequest("[0, 1)", kAllVisible)->device_ids, ElementsAre(0));
}

TEST(HcclRequestTest, TheRangeCountsWithinTheVisibleDevices) {
  const auto request = ParseHcclRequest("[0,2)", "6,3,1");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->positions, ElementsAre(0, 1));
  EXPECT_THAT(request->device_ids, ElementsAre(6, 3));
}

TEST(HcclRequestTest, RefusesOtherRangesAndLists) {
  const struct {
    const char* device_num;
    const char* visible;
    const char* fault;
  } kCases[] = {
      {"0,8", kAllVisible, "it is not a half-open range"},
      {"[0,8]", kAllVisible, "it is not a half-open range"},
      {"[a,b)", kAllVisible, "it is not a half-open range"},
      {"[0,9)", kAllVisible, "it goes beyond devices 0 to 7"},
      {"[-1,2)", kAllVisible, "it goes beyond devices 0 to 7"},
      {"[3,2)", kAllVisible, "it holds no device"},
      {"[4,4)", kAllVisible, "it holds no device"},
      {"[2,6)", kAllVisible, "devices 0 to 3 and 4 to 7 are groups of their own"},
      {"[0,5)", kAllVisible, "devices 0 to 3 and 4 to 7 are groups of their own"},
      {"[0,4)", "0,1", "only 2 devices are visible (0,1)"},
      {"[0,1)", "0,x", "'x' is not a device's number"},
      {"[0,1)", "", "'' is not a device's number"},
      {"[0,2)", "1,1", "1 is there twice"},
  };
  for (const auto& test : kCases) {
    const absl::Status status = ParseHcclRequest(test.device_num, test.visible).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << test.device_num;
    EXPECT_THAT(std::string(status.message()), HasSubstr(test.fault)) << test.device_num;
  }
}

TEST(HcclRequestTest, RanksCountFromZeroInTheOrderOfTheDevices) {
  const auto table = MakeServerTable(*ParseHcclRequest("[4,6)", kAllVisible), "10.0.0.1",
                                     {{4, "192.168.0.4"}, {5, "192.168.0.5"}});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->servers[0].server_id, "10.0.0.1");
  EXPECT_EQ(table->servers[0].devices[1].device_id, 5);
  EXPECT_EQ(table->servers[0].devices[1].rank_id, 1);
  EXPECT_EQ(table->servers[0].devices[1].device_ip, "192.168.0.5");
}

TEST(HcclRequestTest, ADeviceWithoutAnAddressIsNamed) {
  EXPECT_EQ(MakeServerTable(*ParseHcclRequest("[0,1)", kAllVisible), "h", {}).status(),
            absl::FailedPreconditionError(
                "device 0: its address is neither in /etc/hccn.conf (address_0=…) nor known to "
                "`hccn_tool -i 0 -ip -g`; set it with hccn_tool"));
}

TEST(HcclRequestTest, FilesAreNamedAsTheScriptsNameThem) {
  EXPECT_EQ(ServerTableName(*ParseHcclRequest("[0,8)", kAllVisible), "10.0.0.1"),
            "hccl_8p_01234567_10.0.0.1.json");
  EXPECT_EQ(ServerTableName(*ParseHcclRequest("[4,6)", kAllVisible), "h"), "hccl_2p_45_h.json");
  EXPECT_EQ(MergedTableName(2, 16), "hccl_2s_16p.json");
}

}  // namespace
}  // namespace muster

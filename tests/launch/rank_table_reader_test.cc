#include "launch/rank_table_reader.h"

#include <cstring>
#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Two servers of two devices each, as hccl_tools.py and merge_hccl.py leave them.
constexpr char kTable[] = R"({
    "version": "1.0",
    "server_count": "2",
    "server_list": [
        {
            "server_id": "10.0.0.1",
            "device": [
                {"device_id": "0", "device_ip": "192.168.0.1", "rank_id": "0"},
                {"device_id": "1", "device_ip": "192.168.0.2", "rank_id": "1"}
            ],
            "host_nic_ip": "reserve"
        },
        {
            "server_id": "10.0.0.2",
            "device": [
                {"device_id": "0", "device_ip": "192.168.1.1", "rank_id": "2"},
                {"device_id": "1", "device_ip": "192.168.1.2", "rank_id": "3"}
            ],
            "host_nic_ip": "reserve"
        }
    ],
    "status": "completed"
})";

// The super pods of the same servers.
constexpr char kPods[] = R"("super_pod_list": [
        {"super_pod_id": "0",
         "server_list": [{"server_id": "10.0.0.1"}, {"server_id": "10.0.0.2"}]}
    ],
    "status": "completed")";

struct Change {
  const char* from;
  const char* to;
};

// Faults of the table after one change, which must find its place exactly once.
std::vector<std::string> FaultsAfter(std::string text, const Change& change) {
  const size_t at = text.find(change.from);
  EXPECT_NE(at, std::string::npos) << change.from;
  EXPECT_EQ(text.find(change.from, at + 1), std::string::npos) << change.from;
  if (at != std::string::npos) text.replace(at, strlen(change.from), change.to);
  return ReadRankTable(text).faults;
}

// kTable as version 1.2.
std::string SuperPodTable() {
  return absl::StrReplaceAll(kTable,
                             {{"\"1.0\"", "\"1.2\""},
                              {R"("192.168.0.1")", R"("192.168.0.1", "super_device_id": "0")"},
                              {R"("192.168.0.2")", R"("192.168.0.2", "super_device_id": "1")"},
                              {R"("192.168.1.1")", R"("192.168.1.1", "super_device_id": "2")"},
                              {R"("192.168.1.2")", R"("192.168.1.2", "super_device_id": "3")"},
                              {R"("status": "completed")", kPods}});
}

TEST(RankTableReaderTest, ReadsASoundTable) {
  const absl::StatusOr<RankTable> table = ParseRankTable(kTable);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->version, "1.0");
  ASSERT_EQ(table->servers.size(), 2u);
  EXPECT_EQ(table->servers[1].server_id, "10.0.0.2");
  EXPECT_EQ(table->servers[1].devices[1].device_id, 1);
  EXPECT_EQ(table->servers[1].devices[1].device_ip, "192.168.1.2");
  EXPECT_EQ(table->servers[1].devices[1].rank_id, 3);
}

TEST(RankTableReaderTest, ReadsWhatItWrites) {
  const absl::StatusOr<RankTable> table = ParseRankTable(SuperPodTable());
  ASSERT_TRUE(table.ok()) << table.status();
  const absl::StatusOr<RankTable> again = ParseRankTable(WriteRankTable(*table));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(WriteRankTable(*again), WriteRankTable(*table));
  EXPECT_EQ(again->super_pods[0].server_ids.size(), 2u);
}

TEST(RankTableReaderTest, OneServerNeedsNoDeviceAddresses) {
  EXPECT_THAT(ReadRankTable(R"({"version": "1.0", "server_count": "1", "status": "completed",
      "server_list": [{"server_id": "a", "device": [{"device_id": "3", "rank_id": "0"}]}]})")
                  .faults,
              IsEmpty());
}

TEST(RankTableReaderTest, EveryRuleHasItsFault) {
  const struct {
    Change change;
    const char* fault;
  } kCases[] = {
      {{R"("version": "1.0")", R"("version": "2.0")"},
       "version: \"2.0\" is unknown; use 1.0 or 1.2"},
      {{R"("version": "1.0",)", ""}, "version: it is missing"},
      {{R"("version": "1.0")", R"("version": 1.0)"},
       "version: 1.0 is not a text; all values are, like \"1.0\""},
      {{"\"completed\"", "\"initializing\""},
       "status: \"initializing\": whoever writes this table has not finished it"},
      {{"\"completed\"", "\"done\""}, "status: \"done\" is unknown; use completed"},
      {{R"("server_count": "2")", R"("server_count": "3")"},
       "server_count: 3, but server_list has 2"},
      {{R"("server_count": "2")", R"("server_count": "two")"},
       "server_count: \"two\" is not a number from 0 on"},
      {{R"("server_id": "10.0.0.2")", R"("server_id": "10.0.0.1")"},
       "server_list[1].server_id: \"10.0.0.1\" is there already, at server_list[0]"},
      {{R"("server_id": "10.0.0.2")", R"("server_id": "")"},
       "server_list[1].server_id: \"\" has 0 characters; 1 to 63 are allowed"},
      {{R"("server_id": "10.0.0.2",)", ""}, "server_list[1].server_id: it is missing"},
      {{R"("192.168.1.2")", R"("192.168.1.1")"},
       "server_list[1].device[1].device_ip: 192.168.1.1 is there already, at "
       "server_list[1].device[0]"},
      {{R"("192.168.1.2")", R"("192.168.1.256")"},
       "server_list[1].device[1].device_ip: \"192.168.1.256\" is not an IPv4 or IPv6 address"},
      {{R"("192.168.1.2")", R"("")"},
       "server_list[1].device[1].device_ip: it is empty; between servers devices need addresses"},
      {{R"("device_ip": "192.168.1.2", )", ""},
       "server_list[1].device[1].device_ip: it is missing"},
      {{R"("rank_id": "3")", R"("rank_id": "2")"},
       "server_list[1].device[1].rank_id: 2 is there already, at server_list[1].device[0]"},
      {{R"("rank_id": "3")", R"("rank_id": "4")"},
       "server_list[1].device[1].rank_id: 4 is past the last of 4 ranks; they count from 0 without "
       "gaps"},
      {{R"("rank_id": "3")", R"("rank_id": 3)"},
       "server_list[1].device[1].rank_id: 3 is not a text; all values are, like \"3\""},
      {{R"("rank_id": "3")", R"("rank_id": "-3")"},
       "server_list[1].device[1].rank_id: \"-3\" is not a number from 0 on"},
      {{R"({"device_id": "1", "device_ip": "192.168.1.2")",
        R"({"device_id": "0", "device_ip": "192.168.1.2")"},
       "server_list[1].device[1].device_id: 0 is there already"},
      {{R"({"device_id": "1", "device_ip": "192.168.1.2")", R"({"device_ip": "192.168.1.2")"},
       "server_list[1].device[1].device_id: it is missing"},
      {{R"("server_id": "10.0.0.1")", R"("server_id": "10.0.0.3")"},
       "server_list: rank 0 is on server \"10.0.0.3\", which in dictionary order comes after "
       "\"10.0.0.2\" with rank 2; ranks must grow in that order"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(FaultsAfter(kTable, test.change), ElementsAre(test.fault)) << test.change.to;
  }
}

TEST(RankTableReaderTest, SuperPodsHaveRulesOfTheirOwn) {
  ASSERT_THAT(ReadRankTable(SuperPodTable()).faults, IsEmpty());
  const struct {
    Change change;
    const char* fault;
  } kCases[] = {
      {{R"(, "super_device_id": "3")", ""},
       "server_list[1].device[1].super_device_id: it is missing"},
      {{R"("super_device_id": "3")", R"("super_device_id": "2")"},
       "super_device_id: 2 is there twice in super pod 0"},
      {{R"({"server_id": "10.0.0.1"}, )", ""}, "super_pod_list: server \"10.0.0.1\" is in none"},
      {{R"({"server_id": "10.0.0.1"}, )",
        R"({"server_id": "10.0.0.2"}, {"server_id": "10.0.0.1"}, )"},
       "super_pod_list[0]: server \"10.0.0.2\" is in a super pod already"},
      {{R"({"server_id": "10.0.0.1"}, )", R"({"server_id": "10.0.0.1"}, {"server_id": "x"}, )"},
       "super_pod_list[0].server_list[1].server_id: there is no server \"x\""},
      {{R"("super_pod_id": "0",)", ""}, "super_pod_list[0].super_pod_id: it is missing"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(FaultsAfter(SuperPodTable(), test.change), ElementsAre(test.fault))
        << test.change.to;
  }
  EXPECT_THAT(FaultsAfter(kTable, {"\"1.0\"", "\"1.2\""}).back(), "super_pod_list: it is missing");
}

TEST(RankTableReaderTest, ClustersNeedTheServersAddresses) {
  const std::string clusters = absl::StrReplaceAll(
      kTable, {{R"("status")", R"("cluster_list": [{"cluster_id": "c", "network_type": "ROCE",
      "az_id": "a", "region_id": "r", "server_list": [{"server_id": "10.0.0.1"}]}], "status")"}});
  EXPECT_THAT(ReadRankTable(clusters).faults,
              ElementsAre("server_list[0].server_ip: it is missing, and cluster_list needs it",
                          "server_list[1].server_ip: it is missing, and cluster_list needs it"));
}

TEST(RankTableReaderTest, TellsAllFaultsAtOnce) {
  const std::string text = absl::StrReplaceAll(
      kTable, {{"192.168.1.2", "x"}, {"192.168.0.2", "y"}, {"\"completed\"", "\"no\""}});
  EXPECT_EQ(ReadRankTable(text).faults.size(), 3u);
  EXPECT_EQ(
      ParseRankTable(text).status(),
      absl::InvalidArgumentError(
          "status: \"no\" is unknown; use completed; server_list[0].device[1].device_ip: "
          "\"y\" is not an IPv4 or IPv6 address; server_list[1].device[1].device_ip: \"x\" is "
          "not an IPv4 or IPv6 address"));
}

TEST(RankTableReaderTest, WhatIsNotATableIsSaidWithItsPlace) {
  EXPECT_THAT(ReadRankTable("").faults,
              ElementsAre("line 1, column 1: it is not JSON from here on"));
  EXPECT_THAT(ReadRankTable("{\n  \"version\": \"1.0\",\n  oops\n}").faults,
              ElementsAre("line 3, column 3: it is not JSON from here on"));
  EXPECT_THAT(ReadRankTable("[]").faults, ElementsAre("it is not an object"));
  EXPECT_THAT(ReadRankTable(R"({"version": "1.0", "status": "completed", "server_count": "1",
                                "server_list": [7]})")
                  .faults,
              ElementsAre("server_list[0]: it is not an object"));
  EXPECT_THAT(ReadRankTable(std::string(100000, '[')).faults.size(), 1u);
}

}  // namespace
}  // namespace muster

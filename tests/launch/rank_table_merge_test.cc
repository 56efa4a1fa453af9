#include "launch/rank_table_merge.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "launch/rank_table_reader.h"

namespace muster {
namespace {

// One server of two devices, as hccl_tools.py writes it.
std::string ServerTable(int number) {
  return absl::StrCat(
      R"({"version": "1.0", "server_count": "1", "server_list": [{"server_id": "10.0.0.)", number,
      R"(", "device": [
      {"device_id": "0", "device_ip": "192.168.)",
      number, R"(.1", "rank_id": "0"},
      {"device_id": "1", "device_ip": "192.168.)",
      number, R"(.2", "rank_id": "1"}],
      "pod_ip": "172.16.0.)",
      number, R"(", "host_nic_ip": "reserve"}], "status": "completed"})");
}

TEST(RankTableMergeTest, RanksGoOnFromFileToFile) {
  const auto merged = MergeRankTables({{"a.json", ServerTable(1)}, {"b.json", ServerTable(2)}});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_EQ(merged->servers, 2);
  EXPECT_EQ(merged->devices, 4);
  const auto table = ParseRankTable(merged->text);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->servers[1].devices[0].rank_id, 2);
  EXPECT_EQ(table->servers[1].devices[1].rank_id, 3);
}

TEST(RankTableMergeTest, KeepsWhatElseAServerSays) {
  const auto merged = MergeRankTables({{"a.json", ServerTable(1)}});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_NE(merged->text.find("\"pod_ip\": \"172.16.0.1\""), std::string::npos);
}

// merge_hccl.py writes rank ids as numbers.
TEST(RankTableMergeTest, TakesItsOwnPredecessorsOutput) {
  std::string numbers = ServerTable(1);
  numbers.replace(numbers.find(R"("rank_id": "1")"), 14, R"("rank_id": 1)");
  const auto merged = MergeRankTables({{"a.json", numbers}, {"b.json", ServerTable(2)}});
  ASSERT_TRUE(merged.ok()) << merged.status();
  EXPECT_NE(merged->text.find("\"rank_id\": \"1\""), std::string::npos);
}

TEST(RankTableMergeTest, RefusesFilesThatMakeNoTable) {
  EXPECT_EQ(MergeRankTables({{"a.json", "{"}}).status(),
            absl::InvalidArgumentError("a.json: line 1, column 2: it is not JSON from here on"));
  EXPECT_EQ(MergeRankTables({{"a.json", "{}"}}).status(),
            absl::InvalidArgumentError("a.json: it has no server_list"));
  EXPECT_EQ(MergeRankTables({{"a.json", R"({"server_list": [{}]})"}}).status(),
            absl::InvalidArgumentError("a.json: a server without a device list"));
  EXPECT_EQ(
      MergeRankTables({{"a.json", ServerTable(1)}, {"b.json", ServerTable(1)}}).status().code(),
      absl::StatusCode::kInvalidArgument);
  EXPECT_NE(MergeRankTables({{"b.json", ServerTable(2)}, {"a.json", ServerTable(1)}})
                .status()
                .message()
                .find("ranks must grow in that order"),
            absl::string_view::npos);
}

}  // namespace
}  // namespace muster

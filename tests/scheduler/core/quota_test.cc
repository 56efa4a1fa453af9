#include "scheduler/core/quota.h"

#include "common/job/job_defaults.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scheduler/core/quota_file.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::JobSpec MakeSpec(int min, int max, int ranks, int devices) {
  v1::JobSpec spec;
  spec.mutable_nodes()->set_min(min);
  spec.mutable_nodes()->set_max(max);
  spec.set_ranks_per_node(ranks);
  spec.mutable_devices_per_rank()->set_kind("nvidia");
  spec.mutable_devices_per_rank()->set_count(devices);
  FillJobDefaults(&spec);
  return spec;
}

Quota Parse(const std::string& text) {
  const absl::StatusOr<Quota> quota = ParseQuota("quota", text);
  EXPECT_TRUE(quota.ok()) << quota.status();
  return quota.ok() ? *quota : Quota();
}

std::string FaultOf(const std::string& text) {
  const absl::Status status = ParseQuota("/etc/quota", text).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
  return std::string(status.message());
}

TEST(QuotaTest, CountsAGangsHostsRanksAndDevices) {
  const Amounts amounts = AmountsOf(MakeSpec(3, 3, 4, 2), 3);

  EXPECT_EQ(amounts.at("running"), 1);
  EXPECT_EQ(amounts.at("hosts"), 3);
  EXPECT_EQ(amounts.at("ranks"), 12);
  EXPECT_EQ(amounts.at("devices.nvidia"), 24);
}

TEST(QuotaTest, AUsersLineChangesOnlyWhatItNames) {
  const Quota quota = Parse("* hosts=2 devices.nvidia=8\nalice devices.nvidia=unlimited\n");

  EXPECT_EQ(quota.LimitOf("bob", "devices.nvidia"), 8);
  EXPECT_EQ(quota.LimitOf("alice", "devices.nvidia"), Quota::kUnlimited);
  EXPECT_EQ(quota.LimitOf("alice", "hosts"), 2);
  EXPECT_EQ(quota.LimitOf("alice", "ranks"), Quota::kUnlimited);
}

TEST(QuotaTest, TheRefusalNamesUserLimitAndUse) {
  const Quota quota = Parse("* devices.nvidia=8\n");

  EXPECT_TRUE(quota.Check("bob", {{"devices.nvidia", 6}}, {{"devices.nvidia", 2}}).ok());
  const absl::Status over = quota.Check("bob", {{"devices.nvidia", 6}}, {{"devices.nvidia", 4}});
  EXPECT_TRUE(absl::IsResourceExhausted(over));
  EXPECT_EQ(over.message(), "quota of bob: devices.nvidia=8, 6 in use, 4 more needed");
}

TEST(QuotaTest, AnElasticGangGetsWhatIsLeft) {
  const Quota quota = Parse("* devices.nvidia=8\n");
  absl::Status why;

  EXPECT_EQ(quota.MostNodes("bob", {}, MakeSpec(1, 4, 1, 4), &why), 2);
  EXPECT_EQ(quota.MostNodes("bob", {{"devices.nvidia", 4}}, MakeSpec(1, 4, 1, 4), &why), 1);
  EXPECT_EQ(quota.MostNodes("bob", {{"devices.nvidia", 4}}, MakeSpec(2, 4, 1, 4), &why), 0);
  EXPECT_THAT(std::string(why.message()), HasSubstr("8 more needed"));
}

TEST(QuotaFileTest, TakesCommentsBlankLinesAndNamesInQuotes) {
  const Quota quota = Parse("# All.\n\n  *\tqueued=5 # five\r\n\"Bob of Ops\" running=0\n");

  EXPECT_EQ(quota.LimitOf("x", "queued"), 5);
  EXPECT_EQ(quota.LimitOf("Bob of Ops", "running"), 0);
}

TEST(QuotaFileTest, AHashWithinANameIsNoComment) {
  const Quota quota = Parse("\"Bob #2\" running=1 # The other Bob.\nteam#7 running=2\t#x\n");

  EXPECT_EQ(quota.LimitOf("Bob #2", "running"), 1);
  EXPECT_EQ(quota.LimitOf("team#7", "running"), 2);
}

TEST(QuotaFileTest, AMistypedKindIsRefused) {
  EXPECT_THAT(FaultOf("# All\n* devices.nvida=1"),
              StartsWith("/etc/quota:2: 'devices.nvida=1': did you mean 'devices.nvidia'?"));
  EXPECT_THAT(FaultOf("* devices.Nvidia=1"), StartsWith("/etc/quota:1: 'devices.Nvidia=1': "));
  EXPECT_THAT(FaultOf("* devices.asend=1"), HasSubstr("'devices.ascend'"));
  EXPECT_THAT(FaultOf("* devices.nvidia:8=1"), HasSubstr("'devices.nvidia:8=1'"));
  Parse("* devices.npu2=1 devices.tpu=4 devices.xpu=5\n");  // As an operator may have named them.
}

TEST(QuotaFileTest, EveryFaultNamesFileAndLine) {
  EXPECT_THAT(FaultOf("* queued=5\nbob disks=1\n"), StartsWith("/etc/quota:2: 'disks=1': must be"));
  EXPECT_THAT(FaultOf("bob hosts=-1"), StartsWith("/etc/quota:1: 'hosts=-1': must be a number"));
  EXPECT_THAT(FaultOf("bob hosts=many"), HasSubstr("or unlimited"));
  EXPECT_THAT(FaultOf("bob hosts"), HasSubstr("'hosts'"));
  EXPECT_THAT(FaultOf("bob devices.=1"), HasSubstr("'devices.=1'"));
  EXPECT_THAT(FaultOf("bob"), HasSubstr("'bob' has no limit"));
  EXPECT_THAT(FaultOf("bob hosts=1 hosts=2"), HasSubstr("'hosts' is there twice"));
  EXPECT_THAT(FaultOf("bob hosts=1\n\nbob ranks=1"), StartsWith("/etc/quota:3: 'bob' has a line"));
  EXPECT_THAT(FaultOf("\"bob hosts=1"), HasSubstr("a name without end"));
  EXPECT_THAT(FaultOf("\"\" hosts=1"), HasSubstr("a name that is empty"));
}

}  // namespace
}  // namespace muster

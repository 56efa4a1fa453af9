#include "common/job/job_defaults.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <vector>

#include "common/job/job_check.h"

namespace muster {
namespace {

using google::protobuf::util::MessageDifferencer;

v1::JobSpec Filled(v1::JobSpec spec) {
  FillJobDefaults(&spec);
  return spec;
}

v1::JobSpec Minimal() {
  v1::JobSpec spec;
  spec.add_command("/usr/bin/python3");
  return spec;
}

TEST(JobDefaultsTest, FillsInWhatTheApiDocuments) {
  const v1::JobSpec spec = Filled(Minimal());
  EXPECT_EQ(spec.name(), "python3");
  EXPECT_EQ(spec.contract(), "plain");
  EXPECT_EQ(spec.nodes().min(), 1);
  EXPECT_EQ(spec.nodes().max(), 1);
  EXPECT_EQ(spec.umask(), "022");
  EXPECT_EQ(spec.on_failure(), v1::FAILURE_ACTION_STOP_GANG);
  EXPECT_TRUE(spec.success().all());
  EXPECT_EQ(spec.success().clean_up(), v1::CLEAN_UP_WAIT);
  EXPECT_EQ(spec.restart().max_restarts(), 0);
  EXPECT_EQ(spec.restart().scope(), v1::RESTART_SCOPE_GANG);
  EXPECT_EQ(spec.restart().window().seconds(), 600);
  EXPECT_EQ(spec.restart().first_delay().seconds(), 1);
  EXPECT_EQ(spec.restart().max_delay().seconds(), 60);
  EXPECT_EQ(spec.bind(), v1::CORE_BINDING_NONE);
  EXPECT_EQ(spec.logs().segment_size(), 64 << 20);
  EXPECT_EQ(spec.logs().max_size(), 1 << 30);
  EXPECT_EQ(spec.logs().full(), v1::LOG_FULL_POLICY_DROP_OLDEST);
  EXPECT_EQ(spec.timeouts().start().seconds(), 60);
  EXPECT_EQ(spec.timeouts().stop_grace().seconds(), 10);
  EXPECT_FALSE(spec.timeouts().has_queue());
  EXPECT_FALSE(spec.has_limits());
}

TEST(JobDefaultsTest, TheImpliedRoleIsWrittenOut) {
  v1::JobSpec spec = Minimal();
  spec.set_ranks_per_node(4);
  spec.mutable_devices_per_rank()->set_kind("nvidia");
  spec.mutable_devices_per_rank()->set_count(2);
  spec = Filled(spec);
  ASSERT_EQ(spec.roles_size(), 1);
  EXPECT_EQ(spec.roles(0).name(), "worker");
  EXPECT_EQ(spec.roles(0).per_node(), 4);
  EXPECT_EQ(spec.roles(0).devices_per_rank().count(), 2);
  EXPECT_EQ(spec.roles(0).devices_per_rank().visible(), v1::VISIBLE_DEVICES_HOST);
  EXPECT_EQ(spec.ranks_per_node(), 0);
}

TEST(JobDefaultsTest, ARoleKeepsItsOwnDevicesAndTakesTheJobsOtherwise) {
  v1::JobSpec spec = Minimal();
  spec.mutable_devices_per_rank()->set_kind("nvidia");
  spec.mutable_devices_per_rank()->set_count(1);
  v1::RoleSpec* first = spec.add_roles();
  first->set_name("a");
  first->set_count(3);
  first->mutable_devices_per_rank()->set_kind("ascend");
  first->mutable_devices_per_rank()->set_count(8);
  spec.add_roles()->set_name("b");
  spec = Filled(spec);
  EXPECT_EQ(spec.roles(0).devices_per_rank().kind(), "ascend");
  EXPECT_EQ(spec.roles(0).count(), 3);
  EXPECT_EQ(spec.roles(0).per_node(), 0);
  EXPECT_EQ(spec.roles(1).devices_per_rank().kind(), "nvidia");
  EXPECT_EQ(spec.roles(1).per_node(), 1);
}

TEST(JobDefaultsTest, FilesInTheUsersFolderAreNeverCutUnlessAskedFor) {
  v1::JobSpec spec = Minimal();
  spec.mutable_logs()->set_dir("logs");
  spec = Filled(spec);
  EXPECT_EQ(spec.logs().max_size(), -1);
  EXPECT_EQ(spec.logs().full(), v1::LOG_FULL_POLICY_BLOCK);
}

TEST(JobDefaultsTest, TheLargestDelayIsNeverBelowTheFirst) {
  v1::JobSpec spec = Minimal();
  spec.mutable_restart()->mutable_first_delay()->set_seconds(300);
  EXPECT_EQ(Filled(spec).restart().max_delay().seconds(), 300);
  spec.mutable_restart()->mutable_first_delay()->set_nanos(500000000);
  EXPECT_EQ(Filled(spec).restart().max_delay().nanos(), 500000000);
}

TEST(JobDefaultsTest, TheFirstDelayIsNeverAboveTheLargest) {
  v1::JobSpec spec = Minimal();
  spec.mutable_restart()->mutable_max_delay()->set_nanos(200000000);
  EXPECT_EQ(Filled(spec).restart().first_delay().seconds(), 0);
  EXPECT_EQ(Filled(spec).restart().first_delay().nanos(), 200000000);
}

TEST(JobDefaultsTest, LostHostsHaveTheirOwnBudgetWhereRestartsAreWantedAtAll) {
  v1::JobSpec spec = Minimal();
  EXPECT_EQ(Filled(spec).restart().max_host_restarts(), 0);
  spec.mutable_restart()->set_max_restarts(1);
  EXPECT_EQ(Filled(spec).restart().max_host_restarts(), 10);
  spec.mutable_restart()->set_max_restarts(30);
  EXPECT_EQ(Filled(spec).restart().max_host_restarts(), 30);
  spec.mutable_restart()->set_max_host_restarts(0);
  EXPECT_EQ(Filled(spec).restart().max_host_restarts(), 0);
}

TEST(JobDefaultsTest, PaddlesRestartCodesAreUnderstood) {
  v1::JobSpec spec = Minimal();
  spec.set_contract("paddle_collective");
  EXPECT_EQ(Filled(spec).restart().always_on_size(), 0) << "restarts are not wanted";
  spec.mutable_restart()->set_max_restarts(1);
  const auto codes = Filled(spec).restart().always_on();
  EXPECT_EQ(std::vector<int>(codes.begin(), codes.end()), (std::vector<int>{101, 102}));
  spec.mutable_restart()->add_never_on(102);
  EXPECT_EQ(Filled(spec).restart().always_on_size(), 1);
  spec.mutable_restart()->add_always_on(7);
  EXPECT_EQ(Filled(spec).restart().always_on(0), 7);
}

TEST(JobDefaultsTest, FillingTwiceChangesNothingAndTheResultIsSound) {
  const v1::JobSpec once = Filled(Minimal());
  EXPECT_TRUE(MessageDifferencer::Equals(once, Filled(once)));
  EXPECT_TRUE(CheckJobStatus(once).ok()) << CheckJobStatus(once);
}

TEST(JobDefaultsTest, AnEmptySpecDoesNotCrash) { EXPECT_EQ(Filled(v1::JobSpec()).name(), "job"); }

}  // namespace
}  // namespace muster

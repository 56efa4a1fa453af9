#include "agent/task/cgroup.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/base/fs.h"
#include "common/base/ids.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

constexpr char kHybridSelf[] =
    "8:pids:/\n"
    "4:memory:/process/1\n"
    "2:cpu,cpuacct:/x\n"
    "1:name=systemd:/\n"
    "0::/user.slice\n";
constexpr char kHybridMounts[] =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 /process /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "38 31 0:41 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

TEST(OwnCgroupTest, FindsTheV2AndTheV1Path) {
  EXPECT_EQ(OwnCgroup(kHybridSelf, ""), "/user.slice");
  EXPECT_EQ(OwnCgroup(kHybridSelf, "memory"), "/process/1");
  EXPECT_EQ(OwnCgroup(kHybridSelf, "cpuacct"), "/x");
  EXPECT_EQ(OwnCgroup(kHybridSelf, "mem"), "");
}

TEST(CgroupMountTest, FindsTheTreeAndThePartOfItThatIsMounted) {
  using Mount = std::pair<std::string, std::string>;
  EXPECT_EQ(CgroupMount(kHybridMounts, ""), Mount("/sys/fs/cgroup/unified", "/"));
  EXPECT_EQ(CgroupMount(kHybridMounts, "memory"), Mount("/sys/fs/cgroup/memory", "/process"));
  EXPECT_EQ(CgroupMount(kHybridMounts, "cpuacct").first, "/sys/fs/cgroup/cpu");
  EXPECT_EQ(CgroupMount(kHybridMounts, "pids"), Mount("", ""));
}

TEST(CgroupRootTest, CanBeSwitchedOff) {
  const absl::StatusOr<CgroupRoot> root = CgroupRoot::Find("none");
  ASSERT_TRUE(root.ok());
  EXPECT_FALSE(root->available());
  EXPECT_EQ(root->reason(), "switched off");
  const GangCgroup group = root->Name("train-0a1b2c", 0, CgroupLimits());
  EXPECT_TRUE(group.ranks.empty());
  EXPECT_TRUE(root->Create(group, CgroupLimits()).ok());
  EXPECT_FALSE(CgroupRoot::Populated(group));
  EXPECT_TRUE(CgroupRoot::Remove(group).ok());
}

TEST(CgroupRootTest, WithoutControllersALimitIsRefusedAndNamed) {
  const absl::StatusOr<CgroupRoot> root = CgroupRoot::Find("none");
  ASSERT_TRUE(root.ok());
  CgroupLimits limits;
  limits.memory_bytes = 1 << 20;
  const absl::Status status = root->Create(root->Name("train-0a1b2c", 0, limits), limits);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(std::string(status.message()).find("limits.memory"), std::string::npos);
}

TEST(CgroupRootTest, AConfiguredRootOutsideTheTreeIsRefused) {
  EXPECT_TRUE(absl::IsFailedPrecondition(CgroupRoot::Find("/tmp/muster").status()));
}

// On this host's own tree; skipped where it cannot be written.
class CgroupTreeTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = CgroupRoot::Find("");
    ASSERT_TRUE(root_.ok()) << root_.status();
    if (!root_->available()) GTEST_SKIP() << "no cgroup tree: " << root_->reason();
  }

  absl::StatusOr<CgroupRoot> root_ = absl::UnknownError("");
  const std::string job_ = NewJobId("cgroup-test");
};

TEST_F(CgroupTreeTest, ComesAndGoes) {
  const GangCgroup group = root_->Name(job_, 3, CgroupLimits());
  EXPECT_EQ(group.dir, root_->dir() + "/" + job_ + "-3");
  ASSERT_TRUE(root_->Create(group, CgroupLimits()).ok());
  EXPECT_TRUE(PathExists(group.shim));
  EXPECT_TRUE(PathExists(group.ranks));
  ASSERT_TRUE(root_->Create(group, CgroupLimits()).ok()) << "an empty one is taken up again";
  EXPECT_TRUE(CgroupRoot::Remove(group).ok());
  EXPECT_FALSE(PathExists(group.dir));
  EXPECT_TRUE(CgroupRoot::Remove(group).ok());
}

TEST_F(CgroupTreeTest, IsNotGivenAwayWhileSomethingLivesInIt) {
  const GangCgroup group = root_->Name(job_, 0, CgroupLimits());
  ASSERT_TRUE(root_->Create(group, CgroupLimits()).ok());
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  ASSERT_GT(child, 0);
  {
    FILE* const procs = fopen((group.ranks + "/cgroup.procs").c_str(), "w");
    ASSERT_NE(procs, nullptr);
    fprintf(procs, "%d", child);
    fclose(procs);
  }
  EXPECT_TRUE(CgroupRoot::Populated(group));
  EXPECT_TRUE(absl::IsAlreadyExists(root_->Create(group, CgroupLimits())));
  EXPECT_TRUE(absl::IsFailedPrecondition(CgroupRoot::Remove(group)));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(CgroupRoot::Remove(group).ok());
}

TEST_F(CgroupTreeTest, LimitsAreSetOrRefusedWhole) {
  CgroupLimits limits;
  limits.memory_bytes = 64 << 20;
  limits.processes = 10;
  const GangCgroup group = root_->Name(job_, 0, limits);
  const absl::Status status = root_->Create(group, limits);
  if (absl::IsFailedPrecondition(status)) {
    EXPECT_FALSE(PathExists(group.dir));
    GTEST_SKIP() << "no controllers for limits here";
  }
  ASSERT_TRUE(status.ok()) << status;
  const std::string pids = PathExists(group.ranks + "/pids.max") ? group.ranks : group.v1.back();
  EXPECT_EQ(*ReadFile(pids + "/pids.max"), "10\n");
  EXPECT_TRUE(CgroupRoot::Remove(group).ok());
  for (const std::string& dir : group.v1) EXPECT_FALSE(PathExists(dir));
}

}  // namespace
}  // namespace muster

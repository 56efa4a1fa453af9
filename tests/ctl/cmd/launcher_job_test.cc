#include "ctl/cmd/launcher_job.h"

#include "ctl/cmd/run_spec.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

// `words` as behind `msctl run`.
absl::StatusOr<std::optional<FrontendJob>> Job(const std::vector<std::string>& words) {
  const std::vector<FlagSpec> specs = RunSpecFlags();
  Flags flags;
  std::vector<std::string> command;
  const absl::Status status = FlagParser(specs, true).Parse(words, &flags, &command);
  if (!status.ok()) return status;
  return LauncherJob(flags, command, "/home/u", {{"PATH", "/venv/bin"}, {"SECRET", "s"}});
}

TEST(LauncherJobTest, AProgramThatIsNoLauncherIsNone) {
  const auto job = Job({"--nodes=2", "--", "python3", "torchrun.py"});
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_FALSE(job->has_value());
}

TEST(LauncherJobTest, TheLaunchersFlagsAndRunsOwnMakeOneJob) {
  const auto job = Job({"--name=exp", "--devices=nvidia:1", "-e", "A=1", "--workdir=w", "--",
                        "torchrun", "--nnodes=2", "--nproc_per_node=4", "t.py"});
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_TRUE(job->has_value());
  const v1::JobSpec& spec = (*job)->spec;
  EXPECT_EQ(spec.contract(), "torch");
  EXPECT_EQ(spec.name(), "exp");
  EXPECT_EQ(spec.nodes().min(), 2);
  EXPECT_EQ(spec.ranks_per_node(), 4);
  EXPECT_EQ(spec.devices_per_rank().kind(), "nvidia");
  EXPECT_EQ(spec.workdir(), "/home/u/w");
  EXPECT_EQ(spec.env().at("A"), "1");
  EXPECT_EQ(spec.env().at("PATH"), "/venv/bin");
  EXPECT_EQ(spec.env().count("SECRET"), 0u);
}

TEST(LauncherJobTest, AFlagSetsWhatTheWordsLeaveAtOne) {
  const auto job = Job({"--nodes=2-3", "--nproc=8", "--max-restarts=1", "--", "torchrun", "t.py"});
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ((*job)->spec.nodes().max(), 3);
  EXPECT_EQ((*job)->spec.ranks_per_node(), 8);
  EXPECT_EQ((*job)->spec.restart().max_restarts(), 1);
}

TEST(LauncherJobTest, AFlagAgainstTheWordsIsRefused) {
  const struct {
    const char* flag;
    const char* shown;
  } kCases[] = {{"--nodes=3", "--nodes"},
                {"--nproc=2", "--nproc"},
                {"--contract=plain", "--contract"},
                {"--max-restarts=1", "--max-restarts"}};
  for (const auto& test : kCases) {
    const auto job = Job({test.flag, "--", "torchrun", "--nnodes=2", "--nproc_per_node=4",
                          "--max_restarts=2", "t.py"});
    EXPECT_EQ(job.status().message(),
              std::string(test.shown) +
                  ": the flags of torchrun say something else; leave one of "
                  "them out (--as-is runs torchrun itself)");
  }
  EXPECT_TRUE(Job({"--nodes=2", "--", "torchrun", "--nnodes=2", "t.py"}).ok());
}

TEST(LauncherJobTest, HelpIsTheLaunchersAndNoError) {
  for (const char* launcher : {"msrun", "torchrun", "paddle-launch"}) {
    const auto job = Job({"--nproc=2", "--", launcher, "--help"});
    ASSERT_TRUE(job.ok()) << job.status();
    ASSERT_TRUE(job->has_value() && (*job)->help);
    EXPECT_EQ((*job)->help->rfind(std::string("usage: ") + launcher, 0), 0u);
  }
}

TEST(LauncherJobTest, ANameGivenBeatsTheScripts) {
  for (const char* launcher : {"msrun", "torchrun", "paddle-launch"}) {
    EXPECT_EQ((*Job({"--", launcher, "dir/net.py"}))->spec.name(), "net-py");
    EXPECT_EQ((*Job({"--name=mine", "--", launcher, "net.py"}))->spec.name(), "mine");
  }
}

TEST(LauncherJobTest, TheLaunchersOwnErrorsAreTold) {
  EXPECT_EQ(Job({"--", "torchrun", "--nnodes=x", "t.py"}).status().message(),
            "torchrun: nnodes=x is not in \"MIN:MAX\" format");
}

}  // namespace
}  // namespace muster

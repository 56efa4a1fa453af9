#include "ctl/cmd/run_spec.h"

#include <map>

#include "gtest/gtest.h"

namespace muster {
namespace {

class RunSpecTest : public testing::Test {
 protected:
  absl::StatusOr<v1::JobSpec> Spec(const std::vector<std::string>& words) {
    const std::vector<FlagSpec> specs = RunSpecFlags();
    Flags flags;
    std::vector<std::string> command;
    const absl::Status status = FlagParser(specs, true).Parse(words, &flags, &command);
    if (!status.ok()) return status;
    return RunSpec(flags, command, "/home/u", [this](const std::string& name) {
      const auto it = env_.find(name);
      return it == env_.end() ? std::string() : it->second;
    });
  }
  std::map<std::string, std::string> env_;
};

TEST_F(RunSpecTest, OnePlainRankHereIsTheDefault) {
  const auto spec = Spec({"--", "/usr/bin/python3", "Train_v2.py"});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->name(), "python3");
  EXPECT_EQ(spec->contract(), "plain");
  EXPECT_EQ(spec->nodes().min(), 1);
  ASSERT_EQ(spec->roles_size(), 1);
  EXPECT_EQ(spec->roles(0).per_node(), 1);
  EXPECT_EQ(spec->workdir(), "/home/u");
  EXPECT_EQ(spec->command(1), "Train_v2.py");
}

TEST_F(RunSpecTest, TakesRanksDevicesAndHosts) {
  const auto spec = Spec({"-n", "4", "-N", "2-3", "--devices=nvidia:2", "--contract=torch", "x"});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->roles(0).per_node(), 4);
  EXPECT_EQ(spec->nodes().max(), 3);
  EXPECT_EQ(spec->roles(0).devices_per_rank().count(), 2);
}

TEST_F(RunSpecTest, CarriesThePathAndWhatWasNamed) {
  env_ = {{"PATH", "/venv/bin"}, {"SECRET", "s"}, {"TOKEN", "t"}};
  const auto spec = Spec({"-e", "A=1=2", "-e", "TOKEN", "x"});
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(spec->env().at("PATH"), "/venv/bin");
  EXPECT_EQ(spec->env().at("A"), "1=2");
  EXPECT_EQ(spec->env().at("TOKEN"), "t");
  EXPECT_EQ(spec->env().count("SECRET"), 0u);
}

TEST_F(RunSpecTest, SaysWhatIsWrong) {
  EXPECT_EQ(Spec({"--nodes=0", "x"}).status().message(),
            "--nodes: '0' is not a number of hosts, like 2 or 2-4");
  EXPECT_EQ(Spec({"--nodes=4-2", "x"}).status().message(),
            "--nodes: '4-2': the maximum, 2, is below the minimum, 4");
  EXPECT_EQ(Spec({"--devices=:2", "x"}).status().message(),
            "--devices: ':2' is not KIND:COUNT, like nvidia:1");
  EXPECT_EQ(Spec({"--env=1X=2", "x"}).status().message(),
            "--env: '1X=2' is not NAME=VALUE or NAME");
  EXPECT_EQ(Spec({"--nproc=2000", "x"}).status().message(),
            "--nproc: 2000 ranks on a host, must be 1 to 1024");
  EXPECT_EQ(Spec({"--nproc=99999999999", "x"}).status().message(),
            "--nproc: 99999999999 ranks on a host, must be 1 to 1024");
  EXPECT_EQ(Spec({"--name=Bad Name", "x"}).status().message(),
            "--name: 'Bad Name' cannot be a name");
  EXPECT_EQ(Spec({"--max-restarts=99999999999", "x"}).status().message(),
            "--max-restarts: '99999999999' is not a number from 0 to 1000000");
  EXPECT_FALSE(Spec({"--contract=tourch", "x"}).ok());
}

}  // namespace
}  // namespace muster

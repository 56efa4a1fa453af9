// Section 1.1 of the contract of msrun.
#include "ctl/frontend/msrun/flags.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using Words = std::vector<std::string>;

std::string ErrorOf(const Words& words) {
  const std::string text = ParseMsrun(words).usage_error.value_or("");
  const size_t at = text.find("msrun: error: ");
  return at == std::string::npos ? text : text.substr(at);
}

TEST(MsrunFlagsTest, Defaults) {
  const MsrunFlags flags = ParseMsrun({"x.py"}).flags;
  EXPECT_EQ(flags.worker_num, 8);
  EXPECT_EQ(flags.local_worker_num, 8);
  EXPECT_EQ(flags.master_addr, "127.0.0.1");
  EXPECT_EQ(flags.master_port, 8118);
  EXPECT_EQ(flags.node_rank, -1);
  EXPECT_EQ(flags.log_dir, "");
  EXPECT_FALSE(flags.join);
  EXPECT_EQ(flags.cluster_time_out, 600);
  EXPECT_EQ(flags.bind_core.kind, BindCore::Kind::kOff);
  EXPECT_EQ(flags.sim_level, std::nullopt);
  EXPECT_EQ(flags.sim_rank_id, -1);
  EXPECT_EQ(flags.tail_worker_log, "-1");
  EXPECT_FALSE(flags.propagate_exit_code);
}

TEST(MsrunFlagsTest, JoinIsAPythonLiteral) {
  for (const char* text : {"True", "1", "1.0", " True"}) {
    EXPECT_TRUE(ParseMsrun({std::string("--join=") + text, "x"}).flags.join) << text;
  }
  for (const char* text : {"False", "0"}) {
    EXPECT_FALSE(ParseMsrun({std::string("--join=") + text, "x"}).flags.join) << text;
  }
  EXPECT_EQ(ErrorOf({"--join=true", "x"}),
            "msrun: error: argument --join: invalid literal_eval value: 'true'\n");
  EXPECT_EQ(ErrorOf({"--join=2", "x"}),
            "msrun: error: argument --join: invalid choice: 2 (choose from True, False)\n");
}

TEST(MsrunFlagsTest, UsageErrors) {
  EXPECT_EQ(ErrorOf({"--worker_num=abc", "x"}),
            "msrun: error: argument --worker_num: invalid int value: 'abc'\n");
  EXPECT_EQ(ErrorOf({"--sim_level=9", "x"}),
            "msrun: error: argument --sim_level: invalid choice: 9 (choose from 0, 1, 2, 3)\n");
  EXPECT_EQ(ErrorOf({}),
            "msrun: error: the following arguments are required: task_script, task_script_args\n");
  EXPECT_EQ(ErrorOf({"--nope=1", "x"}), "msrun: error: unrecognized arguments: --nope=1\n");
  EXPECT_NE(ErrorOf({"-m", "mod"}), "");
  EXPECT_EQ(ErrorOf({R"(--bind_core={"dev0":[]})", "x"}),
            "msrun: error: argument --bind_core: Key 'dev0' must be in format 'deviceX' (X ≥ "
            "0).\n");
}

TEST(MsrunFlagsTest, AbbreviationsAndTheScriptsOwnWords) {
  const MsrunFlags flags =
      ParseMsrun({"--local=2", "--log", "logs", "--", "x.py", "--worker_num=9"}).flags;
  EXPECT_EQ(flags.local_worker_num, 2);
  EXPECT_EQ(flags.log_dir, "logs");
  EXPECT_EQ(flags.worker_num, 8);
  EXPECT_EQ(flags.task_script, "x.py");
  EXPECT_EQ(flags.task_script_args, Words{"--worker_num=9"});
}

TEST(MsrunFlagsTest, OurOwnFlagIsInTheHelpButNotInTheUsage) {
  const std::string help = ParseMsrun({"-h"}).help.value_or("");
  EXPECT_FALSE(absl::StrContains(help.substr(0, help.find("\n\n")), "propagate"));
  EXPECT_TRUE(absl::StrContains(help, "--propagate_exit_code"));
  EXPECT_TRUE(ParseMsrun({"--propagate_exit_code", "x"}).flags.propagate_exit_code);
}

}  // namespace
}  // namespace muster

#include "ctl/frontend/torchrun/options.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

TorchrunParse Parse(const std::vector<std::string>& words, const Env& env = {}) {
  return ParseTorchrun("torchrun", words, env);
}

TEST(TorchrunOptionsTest, DefaultsAreTheOriginals) {
  const TorchrunParse parse = Parse({"train.py", "--lr=1", "-x"});
  ASSERT_FALSE(parse.exit_status) << parse.text;
  const TorchrunOptions& options = parse.options;
  EXPECT_EQ(options.min_nodes, 1);
  EXPECT_EQ(options.max_nodes, 1);
  EXPECT_EQ(options.nproc_per_node, "1");
  EXPECT_EQ(options.rdzv_backend, "static");
  EXPECT_EQ(options.rdzv_id, "none");
  EXPECT_EQ(options.role, "default");
  EXPECT_EQ(options.master_addr, "127.0.0.1");
  EXPECT_FALSE(options.master_port);
  EXPECT_EQ(options.max_restarts, 0);
  EXPECT_FALSE(options.redirects.any());
  EXPECT_EQ(options.script, "train.py");
  EXPECT_EQ(options.script_args, (std::vector<std::string>{"--lr=1", "-x"}));
}

TEST(TorchrunOptionsTest, BothSpellingsAndTheirBeginningsMeanTheSame) {
  for (const char* flag : {"--nproc_per_node", "--nproc-per-node", "--nproc", "--nproc-per"}) {
    const TorchrunParse parse = Parse({flag, "4", "--max-restarts=2", "t.py"});
    ASSERT_FALSE(parse.exit_status) << flag << parse.text;
    EXPECT_EQ(parse.options.nproc_per_node, "4") << flag;
    EXPECT_EQ(parse.options.max_restarts, 2);
  }
}

TEST(TorchrunOptionsTest, PetVariablesStandForWhatIsLeftOut) {
  const Env env = {{"PET_NNODES", "2:4"},
                   {"PET_NPROC_PER_NODE", "8"},
                   {"PET_STANDALONE", "0"},
                   {"PET_NO_PYTHON", "1"},
                   {"PET_MAX_RESTARTS", "3"}};
  const TorchrunParse parse = Parse({"--max_restarts", "1", "t.py"}, env);
  ASSERT_FALSE(parse.exit_status) << parse.text;
  EXPECT_EQ(parse.options.min_nodes, 2);
  EXPECT_EQ(parse.options.max_nodes, 4);
  EXPECT_EQ(parse.options.nproc_per_node, "8");
  EXPECT_FALSE(parse.options.standalone);
  EXPECT_TRUE(parse.options.no_python);
  EXPECT_EQ(parse.options.max_restarts, 1);
  EXPECT_TRUE(parse.options.Given("nnodes"));
  EXPECT_FALSE(parse.options.Given("rdzv_id"));
}

TEST(TorchrunOptionsTest, UsageErrorsAreArgparsesAndEndWith2) {
  const struct {
    std::vector<std::string> words;
    Env env;
    const char* message;
  } kCases[] = {
      {{}, {}, "the following arguments are required: training_script, training_script_args"},
      {{"--what", "t.py"}, {}, "unrecognized arguments: --what"},
      {{"--max_restarts", "x", "t.py"}, {}, "--max-restarts: invalid int value: 'x'"},
      {{"--start_method", "thread", "t.py"}, {}, "invalid choice: 'thread'"},
      {{"--rdzv", "x", "t.py"}, {}, "ambiguous option: --rdzv could match"},
      {{"--nnodes"}, {}, "--nnodes: expected one argument"},
      {{"t.py"}, {{"PET_NODE_RANK", "one"}}, "invalid int value: 'one'"},
      {{"t.py"}, {{"PET_STANDALONE", "yes"}}, "PET_STANDALONE: 'yes' is neither 0 nor 1"},
  };
  for (const auto& test : kCases) {
    const TorchrunParse parse = Parse(test.words, test.env);
    EXPECT_EQ(parse.exit_status, 2) << test.message;
    EXPECT_TRUE(absl::StrContains(parse.text, test.message)) << parse.text;
    EXPECT_TRUE(absl::StartsWith(parse.text, "usage: torchrun [-h]")) << parse.text;
  }
}

TEST(TorchrunOptionsTest, WrongValuesAreOneLineAndEndWith1) {
  const struct {
    std::vector<std::string> words;
    const char* message;
  } kCases[] = {
      {{"--nnodes", "a", "t"}, "torchrun: nnodes=a is not in \"MIN:MAX\" format\n"},
      {{"--nnodes", "1:2:3", "t"}, "torchrun: nnodes=1:2:3 is not in \"MIN:MAX\" format\n"},
      {{"--nnodes", "3:2", "t"},
       "torchrun: --nnodes=3:2: there must be at least one node, and MAX must not be below MIN\n"},
      {{"--nnodes", "0", "t"},
       "torchrun: --nnodes=0: there must be at least one node, and MAX must not be below MIN\n"},
      {{"--nproc_per_node", "many", "t"}, "torchrun: Unsupported nproc_per_node value: many\n"},
      {{"--nproc_per_node", "0", "t"},
       "torchrun: --nproc_per_node=0: a node needs at least one worker\n"},
      {{"--nproc_per_node=2000000000", "x"},
       "torchrun: --nproc_per_node=2000000000: at most 10000\n"},
      {{"--nnodes=2000000000", "x"}, "torchrun: --nnodes=2000000000: at most 100000\n"},
      {{"--max_restarts", "-1", "t"}, "torchrun: --max_restarts=-1: must not be negative\n"},
      {{"--no_python", "-m", "t"},
       "torchrun: Don't use both the '--no_python' flag and the '--module' flag at the same "
       "time.\n"},
      {{"--standalone", "--nnodes=2", "t"},
       "torchrun: --standalone: is one node, and --nnodes asks for 2; leave one of them out\n"},
      {{"--rdzv_conf", "a", "t"},
       "torchrun: The rendezvous configuration option 'a' must have a value specified.\n"},
      {{"-r", "4", "t"},
       "torchrun: --redirects: 4 does not match: <^[0123]$> or "
       "<^(\\d:[0123],)*(\\d:[0123])$>\n"},
      {{"-t", "0:1,", "t"},
       "torchrun: --tee: 0:1, does not match: <^[0123]$> or <^(\\d:[0123],)*(\\d:[0123])$>\n"},
  };
  for (const auto& test : kCases) {
    const TorchrunParse parse = Parse(test.words);
    EXPECT_EQ(parse.exit_status, 1) << test.message;
    EXPECT_EQ(parse.text, test.message);
  }
}

TEST(TorchrunOptionsTest, HelpEndsWith0) {
  const TorchrunParse parse = Parse({"--nproc_per_node=2", "--help"});
  EXPECT_EQ(parse.exit_status, 0);
  EXPECT_TRUE(absl::StrContains(parse.text, "--rdzv_endpoint"));
}

TEST(TorchrunOptionsTest, ConfIsKeysAndValues) {
  const TorchrunParse parse = Parse({"--rdzv_conf", " join_timeout=5 , is_host=1", "t"});
  ASSERT_FALSE(parse.exit_status) << parse.text;
  EXPECT_EQ(parse.options.rdzv_conf, (Env{{"join_timeout", "5"}, {"is_host", "1"}}));
}

TEST(TorchrunOptionsTest, LaunchPassesTheLocalRankUnlessItIsInTheEnvironment) {
  EXPECT_TRUE(Parse({"--pass_local_rank", "t"}).options.pass_local_rank);
  EXPECT_FALSE(Parse({"--pass_local_rank", "--use_env", "t"}).options.pass_local_rank);
  EXPECT_FALSE(Parse({"--use-env", "t"}).options.pass_local_rank);
}

TEST(StdMapTest, OneValueIsForAllRanksAndAListForThoseInIt) {
  EXPECT_EQ(StdMap::Parse("3")->Of(7), 3);
  const std::optional<StdMap> map = StdMap::Parse("0:1,12:2");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->Of(0), StdMap::kOut);
  EXPECT_EQ(map->Of(12), StdMap::kErr);
  EXPECT_EQ(map->Of(1), 0);
  EXPECT_TRUE(map->any());
  EXPECT_FALSE(StdMap::Parse("0:0")->any());
  for (const char* text : {"", "4", "11", "a:1", "0:4", "0:1,", "-1:1", "0:", ":1"}) {
    EXPECT_FALSE(StdMap::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace muster

#include "agent/options.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gflags/gflags.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

// Each test begins with the flags as they are at the start of the program.
class OptionsTest : public testing::Test {
 protected:
  OptionsTest() : shim_(tree_.Write("msshim", "#!/bin/sh\n", 0755)) {}

  absl::StatusOr<AgentVerb> Parse(std::vector<std::string> args) {
    args.insert(args.begin(), {absl::StrCat("--shim_path=", shim_), "--state_dir=/var/x",
                               "--listen=unix:/run/x.sock", "--agent_devices=none"});
    options_ = AgentOptions();
    return ParseAgentOptions(args, &options_);
  }
  // The line of a refusal.
  std::string Refusal(const std::vector<std::string>& args) {
    const absl::StatusOr<AgentVerb> verb = Parse(args);
    EXPECT_FALSE(verb.ok());
    return std::string(verb.status().message());
  }

  gflags::FlagSaver saver_;
  TempTree tree_;
  const std::string shim_;
  AgentOptions options_;
};

TEST_F(OptionsTest, TakesBothWaysToWriteAFlag) {
  ASSERT_TRUE(Parse({"--agent-name", "node-1", "-agent_labels=rack=r7,zone=a", "--insecure"}).ok());
  EXPECT_EQ(options_.name, "node-1");
  EXPECT_EQ(options_.labels.at("rack"), "r7");
  EXPECT_EQ(options_.labels.at("zone"), "a");
  EXPECT_TRUE(options_.security.insecure);
  ASSERT_TRUE(Parse({"--noinsecure"}).ok());
  EXPECT_FALSE(options_.security.insecure);
}

TEST_F(OptionsTest, HoldsTheSchedulerRoleByDefault) {
  ASSERT_TRUE(Parse({}).ok());
  EXPECT_TRUE(options_.scheduler.empty());
  EXPECT_EQ(options_.address, "127.0.0.1");
  ASSERT_TRUE(Parse({"--scheduler=unix:/run/other.sock"}).ok());
  EXPECT_EQ(options_.scheduler, "unix:/run/other.sock");
}

TEST_F(OptionsTest, ReachesRanksWhereItListens) {
  ASSERT_TRUE(Parse({"--insecure", "--listen=unix:/run/x.sock,127.0.0.5:7070"}).ok());
  EXPECT_EQ(options_.listen.size(), 2u);
  EXPECT_EQ(options_.address, "127.0.0.5");
}

TEST_F(OptionsTest, ReadsAFlagfileAndNamesItsLines) {
  const std::string good = tree_.Write("good", "# comment\n\n--agent_name=node-9\n");
  ASSERT_TRUE(Parse({absl::StrCat("--flagfile=", good)}).ok());
  EXPECT_EQ(options_.name, "node-9");
  const std::string bad = tree_.Write("bad", "--agent_name=x\n--bogus=1\n");
  EXPECT_EQ(Refusal({absl::StrCat("--flagfile=", bad)}),
            absl::StrCat(bad, ":2: --bogus: no such flag; see --help"));
  const std::string loop = tree_.Path("loop");
  tree_.Write("loop", absl::StrCat("--flagfile=", loop, "\n"));
  EXPECT_TRUE(absl::StrContains(Refusal({absl::StrCat("--flagfile=", loop)}), "8 deep"));
}

TEST_F(OptionsTest, RefusesEachWrongFlagInOneLine) {
  const struct {
    std::vector<std::string> args;
    const char* line;
  } cases[] = {
      {{"--bogus=1"}, "--bogus: no such flag; see --help"},
      {{"stray"}, "'stray': not a flag; see --help"},
      {{"--agent_name"}, "--agent_name: the value is missing"},
      {{"--agent_first_port=x"}, "--agent_first_port=x: not a valid int32"},
      {{"--agent_first_port=80"},
       "--agent_first_port=80 --agent_last_port=31999: not a range within 1024 to 65535"},
      {{"--scheduler_heartbeat_ms=1"}, "--scheduler_heartbeat_ms=1: must be at least 100"},
      {{"--agent_labels=x"}, "--agent_labels: 'x' is not KEY=VALUE"},
      {{"--agent_labels=x=1,x=2"}, "--agent_labels: 'x' is given twice"},
      {{"--agent_name=a b"},
       "--agent_name=a b: only letters, digits, '-', '.' and '_' are allowed"},
      {{"--listen=node-1:7070"},
       "--listen: address 'node-1:7070': TCP needs mutual TLS; give --tls_cert, --tls_key and "
       "--tls_ca"},
      {{"--scheduler=node-1"}, "--scheduler: address 'node-1': neither unix:PATH nor HOST:PORT"},
      {{"--shim_path=/no/such"}, "--shim_path=/no/such: no program that can be run"},
      {{"--insecure", "--listen=127.0.0.1:7070", "--scheduler=127.0.0.1:7070"},
       "--scheduler=127.0.0.1:7070: this agent's own address; leave --scheduler out on this host"},
      {{"--etcd="}, "--etcd=: no member of etcd; give HOST:PORT, or leave --etcd out"},
      {{"--etcd_prefix=/x"},
       "--etcd_prefix without --etcd: no scheduler is elected; give --etcd, or leave it out"},
      {{"--scheduler_candidate=false"},
       "--scheduler_candidate without --etcd: no scheduler is elected; give --etcd, or leave it "
       "out"},
  };
  for (const auto& bad : cases) {
    gflags::FlagSaver saver;
    EXPECT_EQ(Refusal(bad.args), bad.line);
  }
}

TEST_F(OptionsTest, WarnsOfALeaseThatNoElectionKeeps) {
  const std::vector<std::string> elected = {"--etcd=127.0.0.1:2379", "--insecure",
                                            "--scheduler_heartbeat_ms=500"};
  const auto warnings = [&](const std::vector<std::string>& more) {
    gflags::FlagSaver saver;
    std::vector<std::string> args = elected;
    args.insert(args.end(), more.begin(), more.end());
    EXPECT_TRUE(Parse(args).ok());
    return WarningsOf(options_);
  };
  EXPECT_EQ(
      warnings({"--node_lease_ms=4999"}),
      std::vector<std::string>{
          "--node_lease_ms=4999: with --etcd another scheduler may take 5s to answer, and each "
          "change ends the gangs with on_partition: fence; give at least 5000"});
  EXPECT_TRUE(warnings({"--node_lease_ms=5000"}).empty());
  EXPECT_TRUE(warnings({"--node_lease_ms=4999", "--scheduler_candidate=false"}).empty());
  ASSERT_TRUE(Parse({"--scheduler_heartbeat_ms=500", "--node_lease_ms=2000"}).ok());
  EXPECT_TRUE(WarningsOf(options_).empty()) << "nobody is elected";
}

TEST_F(OptionsTest, RefusesCertificatesThatNoHandshakeWouldTake) {
  const std::string cert = tree_.Write("cert", "nothing of the kind");
  const std::string key = tree_.Write("key", "nothing of the kind", 0600);
  EXPECT_EQ(Refusal({"--listen=127.0.0.1:0", "--tls_cert=" + cert, "--tls_key=" + key,
                     "--tls_ca=" + cert}),
            "--tls_cert " + cert +
                ": no certificate in PEM form (BEGIN CERTIFICATE); name the file that has it");
}

TEST_F(OptionsTest, WarnsOfPlainTextToAnEtcdAcrossTheNetwork) {
  ASSERT_TRUE(Parse({"--etcd=http://10.0.0.9:2379", "--insecure"}).ok());
  EXPECT_EQ(options_.etcd, std::vector<std::string>{"10.0.0.9:2379"});
  const std::vector<std::string> warnings = WarningsOf(options_);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(absl::StartsWith(warnings[0], "--etcd: plain text over the network: "));
}

TEST_F(OptionsTest, ReadsQuotasAndNamesTheLineOfAFault) {
  const std::string good = tree_.Write("quota", "* hosts=2\nalice hosts=unlimited\n", 0600);
  ASSERT_TRUE(Parse({absl::StrCat("--quota=", good)}).ok());
  EXPECT_EQ(options_.quota.LimitOf("bob", "hosts"), 2);
  const std::string bad = tree_.Write("bad", "* hosts=2\nalice host=1\n", 0600);
  EXPECT_TRUE(absl::StartsWith(Refusal({absl::StrCat("--quota=", bad)}),
                               absl::StrCat("--quota: ", bad, ":2: 'host=1': must be")));
  EXPECT_TRUE(absl::StrContains(Refusal({"--quota=/nowhere"}), "/nowhere"));
}

TEST_F(OptionsTest, RefusesDevicesThatMakeNoSense) {
  EXPECT_TRUE(absl::StrContains(Refusal({"--agent_devices=nvidia"}), "--agent_devices: "));
}

TEST_F(OptionsTest, KnowsItsOtherVerbs) {
  EXPECT_EQ(*Parse({"--check_config"}), AgentVerb::kCheckConfig);
  EXPECT_EQ(*Parse({"--version"}), AgentVerb::kVersion);
  EXPECT_TRUE(absl::StrContains(AgentHelp(), "--state_dir=STRING"));
  EXPECT_FALSE(absl::StrContains(AgentHelp(), "--logtostderr"));
}

}  // namespace
}  // namespace muster

#include "common/job/job_check.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/job/job_defaults.h"

namespace muster {
namespace {

// `command: "x"` and what `text` says, in protobuf's text format.
v1::JobSpec Spec(const std::string& text) {
  v1::JobSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec)) << text;
  if (spec.command().empty() && text.find("no_command") == std::string::npos) {
    spec.add_command("x");
  }
  return spec;
}

std::string Faults(const v1::JobSpec& spec) {
  std::vector<std::string> lines;
  for (const JobFault& fault : FindJobFaults(spec)) {
    lines.push_back(absl::StrCat(fault.detail.field_path(), " ", fault.detail.reason(), ": ",
                                 fault.message, "; ", fault.detail.hint()));
  }
  return absl::StrJoin(lines, "\n");
}

struct Case {
  std::string text;
  std::string fault;
};

class JobCheckTest : public testing::TestWithParam<Case> {};

TEST_P(JobCheckTest, SaysWhatIsWrongAndWhatToDo) {
  EXPECT_EQ(Faults(Spec(GetParam().text)), GetParam().fault);
}

INSTANTIATE_TEST_SUITE_P(
    All, JobCheckTest,
    testing::Values(
        Case{"", ""},  //
        Case{"name: 'Bad_Name'",
             "job.name INVALID_NAME: 'Bad_Name' cannot be a name; use lower-case letters, digits "
             "and '-', at most 40, e.g. 'bad-name'"},
        Case{"name: '..'",
             "job.name INVALID_NAME: '..' cannot be a name; use lower-case letters, digits and "
             "'-', at most 40, e.g. 'job'"},
        Case{"contract: '../x'",
             "job.contract INVALID_NAME: 'contract' has other characters than a word; use "
             "lower-case letters, digits, '_' and '-'"},
        Case{"nodes { min: 4 } roles { name: 'server' node_ranks: '0-1' } "
             "roles { name: 'worker' per_node: 2 node_ranks: '2-3' } success { rank: 3 }",
             ""},
        Case{"nodes { min: 2 max: 8 } roles { name: 'a' node_ranks: '0' } "
             "roles { name: 'b' node_ranks: '1-' }",
             ""},
        Case{"nodes { min: 2 max: 4 } roles { name: 'a' node_ranks: '0-2' }",
             "job.roles[0].node_ranks OUT_OF_RANGE: '0-2' names host 2, and the job is sure of 2 "
             "hosts; use 0 to 1, N- for all from host N on, or say more 'nodes'"},
        Case{"roles { name: 'a' node_ranks: '1-' }",
             "job.roles[0].node_ranks OUT_OF_RANGE: '1-' names host 1, and the job is sure of 1 "
             "host; the only one is 0; or say more 'nodes'"},
        Case{"roles { name: 'a' node_ranks: 'first' }",
             "job.roles[0].node_ranks INVALID_NAME: 'first': 'first' names no hosts; write node "
             "ranks, from the lowest to the highest: 0-1,3, or 2- for all from host 2 on"},
        Case{"nodes { min: 3 } roles { name: 'worker' per_node: 2 node_ranks: '0,2' } "
             "roles { name: 'b' } success { rank: 4 }",
             "job.success.rank NO_SUCH_RANK: there is no rank 4 of role 'worker'; use a rank from "
             "0 to 3"},
        Case{"nodes { min: 2 } roles { name: 'a' per_node: 600 } "
             "roles { name: 'b' per_node: 600 node_ranks: '1' }",
             "job.roles TOO_MANY_RANKS: the job has 1200 ranks on one host; at most 1024 fit; use "
             "more nodes"},
        Case{"nodes { min: 5000 }",
             "job.nodes.min OUT_OF_RANGE: 'nodes.min' is 5000; use a number from 1 to 4096"},
        Case{"nodes { min: -1 max: -1 }",
             "job.nodes OUT_OF_RANGE: 'nodes' is -1; use a number from 1 to 4096"},
        Case{"nodes { min: 2 max: 9999 }",
             "job.nodes.max OUT_OF_RANGE: 'nodes.max' is 9999; use a number from 1 to 4096"},
        Case{"nodes { min: 2 max: -1 }",
             "job.nodes.max OUT_OF_RANGE: 'nodes.max' is -1; use a number from 1 to 4096"},
        Case{"nodes { min: 3 max: 2 }",
             "job.nodes.max OUT_OF_RANGE: 'nodes.max' is 2, less than 'nodes.min', which is 3; "
             "make it at least as large, or leave it out"},
        Case{"ranks_per_node: 2000",
             "job.ranks_per_node OUT_OF_RANGE: 'ranks_per_node' is 2000; use a number from 1 to "
             "1024"},
        Case{"ranks_per_node: -1",
             "job.ranks_per_node OUT_OF_RANGE: 'ranks_per_node' is -1; use a number from 1 to "
             "1024"},
        Case{"nodes { min: 1 max: 4096 } ranks_per_node: 1024",
             "job.ranks_per_node TOO_MANY_RANKS: the job has 4194304 ranks; at most 65536 are "
             "allowed"},
        Case{"roles { name: 'a' count: 2000 }",
             "job.roles TOO_MANY_RANKS: the job has 2000 ranks on one host; at most 1024 fit; use "
             "more nodes"},
        Case{"ranks_per_node: 2 roles { name: 'a' }",
             "job.ranks_per_node CONFLICT: 'ranks_per_node' and 'roles' exclude each other; give "
             "each role its own 'per_node' or 'count'"},
        Case{"roles { name: 'a' } roles { name: 'a' }",
             "job.roles[1].name DUPLICATE: role 'a' is there twice; give each role a name of its "
             "own"},
        Case{"roles { name: 'a' count: 1 per_node: 1 }",
             "job.roles[0].per_node CONFLICT: 'count' and 'per_node' exclude each other; keep "
             "'count' for the whole job, or 'per_node' for each host"},
        Case{"devices_per_rank { count: 1 }",
             "job.devices_per_rank.kind MISSING: 'devices_per_rank' has no 'kind'; use nvidia, "
             "ascend, xpu, mlu, ipu, or a kind that the operator named"},
        Case{"devices_per_rank { kind: 'nvidia' }",
             "job.devices_per_rank.count OUT_OF_RANGE: 'devices_per_rank.count' is 0; use a number "
             "from 1 to 1024"},
        Case{"workdir: 'data'",
             "job.workdir NOT_ABSOLUTE: 'data' is not an absolute path; begin it with '/'"},
        Case{"workdir: '/a\\000b'",
             "job.workdir INVALID_TEXT: 'workdir' has a NUL byte; remove it"},
        Case{"command: ''",
             "job.command[0] MISSING: the program's name is empty; put the program first, e.g. "
             "[python3, train.py]"},
        Case{"command: 'a' command: 'b\\000'",
             "job.command[1] INVALID_TEXT: 'command[1]' has a NUL byte; remove it"},
        Case{"env { key: '1X' value: 'y' }",
             "job.env.1X INVALID_NAME: '1X' cannot name an environment variable; use letters, "
             "digits and '_', no digit first"},
        Case{"env { key: 'A' value: 'b\\000c' }",
             "job.env.A INVALID_TEXT: 'env.A' has a NUL byte; remove it"},
        Case{"umask: '888'",
             "job.umask OUT_OF_RANGE: '888' is not a file mode creation mask; write it in octal, "
             "from \"000\" to \"777\""},
        Case{"umask: '7777'",
             "job.umask OUT_OF_RANGE: '7777' is not a file mode creation mask; write it in octal, "
             "from \"000\" to \"777\""},
        Case{"limits { memory: 0 }",
             "job.limits.memory OUT_OF_RANGE: 'limits.memory' is 0; use at least 1, or "
             "`unlimited`"},
        Case{"limits { open_files: -1 core_size: 0 }", ""},
        Case{"success { role: 'chief' }",
             "job.success.role NO_SUCH_ROLE: the job has no role 'chief'; name one of its roles"},
        Case{"success { role: 'worker' }", ""},
        Case{"success { rank: 4 } ranks_per_node: 4",
             "job.success.rank NO_SUCH_RANK: there is no rank 4 of role 'worker'; use a rank from "
             "0 to 3"},
        Case{"success { rank: 0 } roles { name: 'a' }",
             "job.success.rank NO_SUCH_RANK: there is no rank 0 of role 'worker'; use `role NAME`, "
             "or call a role 'worker'"},
        Case{"restart { max_restarts: -1 }",
             "job.restart.max_restarts OUT_OF_RANGE: 'restart.max_restarts' is -1; use a number "
             "from 0 to 1000000"},
        Case{"restart { max_host_restarts: -1 }",
             "job.restart.max_host_restarts OUT_OF_RANGE: 'restart.max_host_restarts' is -1; use a "
             "number from 0 to 1000000"},
        Case{"restart { never_on: [1, 255] always_on: [2, 254] }", ""},
        Case{
            "restart { never_on: 0 }",
            "job.restart.never_on[0] OUT_OF_RANGE: 'restart.never_on[0]' is 0; use a number from 1 "
            "to 255"},
        Case{"restart { always_on: [7, 7] }",
             "job.restart.always_on[1] CONFLICT: exit code 7 is in 'restart.always_on' twice; name "
             "it once"},
        Case{
            "restart { never_on: [3, 4] always_on: 4 }",
            "job.restart.always_on CONFLICT: exit code 4 is in 'never_on' as well; leave it in one "
            "of the two"},
        Case{"restart { first_delay { seconds: 120 } max_delay { seconds: 60 } }",
             "job.restart.max_delay OUT_OF_RANGE: 'restart.max_delay' is shorter than "
             "'restart.first_delay'; make it at least as long, or leave it out"},
        Case{"restart { window { seconds: -1 } }",
             "job.restart.window OUT_OF_RANGE: 'restart.window' is not a time from 0 to ten years; "
             "write it like 30s, 5m or 1h30m"},
        Case{"on_failure: 9",
             "job.on_failure UNKNOWN_VALUE: 'on_failure' has the unknown value 9; the client may "
             "be newer than the server; see `msctl version`"},
        Case{"logs { names: 'x-{rank}' }",
             "job.logs.names MISSING: 'logs.names' needs 'logs.dir'; say where the files go, e.g. "
             "dir: logs"},
        Case{"logs { dir: 'l' names: 'x-{rnk}' }",
             "job.logs.names INVALID_NAME: 'x-{rnk}': unknown placeholder {rnk}; use {rank}, "
             "{role}, {role_rank}, {local_rank}, {node_rank}, {attempt}, {stream}"},
        Case{"logs { dir: 'l' names: '../{rank}' }",
             "job.logs.names INVALID_NAME: '../{rank}': a file name has no '/'; see logs.dir; use "
             "{rank}, {role}, {role_rank}, {local_rank}, {node_rank}, {attempt}, {stream}"},
        Case{"ranks_per_node: 2 logs { dir: 'l' names: 'all.log' }",
             "job.logs.names CONFLICT: 'all.log' gives several ranks the same file; add {rank}, "
             "e.g. rank-{rank}.log"},
        Case{"logs { dir: 'l' names: 'all.log' }", ""},
        Case{"ranks_per_node: 2 logs { dir: 'l' names: '{local_rank}.{stream}' }", ""},
        Case{"nodes { min: 2 } logs { dir: 'l' names: '{local_rank}' }",
             "job.logs.names CONFLICT: '{local_rank}' gives several ranks the same file; add "
             "{rank}, e.g. rank-{rank}.log"},
        Case{"logs { dir: 'l' full: LOG_FULL_POLICY_DROP_OLDEST }",
             "job.logs.full CONFLICT: 'drop_oldest' needs segments, and files in 'logs.dir' have "
             "none; use block or drop_new, or leave out 'logs.dir'"},
        Case{"logs { segment_size: 1 }",
             "job.logs.segment_size OUT_OF_RANGE: 'logs.segment_size' is 1; use at least 4096 "
             "bytes"},
        Case{"labels { key: 'a b' value: 'x' }",
             "job.labels.a b INVALID_NAME: 'a b' is not a sound label; keys: 1 to 63 letters, "
             "digits, '.', '_', '/', '-'; values: at most 256 bytes"},
        Case{"constraints: 'gpu=a100'",
             "job.constraints[0] INVALID_CONSTRAINT: 'gpu=a100': 'gpu=a100' is not a label's name; "
             "write key==value, key!=value, key or !key"},
        Case{"priority: 1001",
             "job.priority OUT_OF_RANGE: 'priority' is 1001; use a number from -1000 to 1000"}));

TEST(JobCheckTest, ACommandIsNeededOnceForEachRole) {
  v1::JobSpec spec;
  EXPECT_EQ(Faults(spec),
            "job.command MISSING: 'command' is missing; say what each rank runs, e.g. command: "
            "[python3, train.py]");
  v1::RoleSpec* role = spec.add_roles();
  role->set_name("a");
  role->add_command("x");
  EXPECT_EQ(Faults(spec), "");
  spec.add_roles()->set_name("b");
  EXPECT_NE(Faults(spec), "");
}

TEST(JobCheckTest, ACommandOfMoreThanOneMebibyteIsRefused) {
  v1::JobSpec spec = Spec("command: 'x'");
  for (int i = 0; i < 2; ++i) spec.add_command(std::string(kMaxCommandBytes / 2, 'a'));
  EXPECT_EQ(Faults(spec),
            "job.command TOO_LONG: 'command' has 1048580 bytes; at most 1048576 are allowed; put "
            "the rest into a file");
}

TEST(JobCheckTest, AllFaultsComeAtOnce) {
  const v1::JobSpec spec = Spec("name: 'X' priority: 5000 umask: 'x'");
  EXPECT_EQ(CheckJob(spec).size(), 3u);
  EXPECT_EQ(CheckJobStatus(spec).message(),
            "job.name: 'X' cannot be a name; use lower-case letters, digits and '-', at most 40, "
            "e.g. 'x' (and 2 more)");
}

TEST(JobCheckTest, WhatWasFoundSoundStaysSoundWithItsDefaults) {
  v1::JobSpec spec = Spec("nodes { min: 2 max: 4 } ranks_per_node: 8 logs { dir: 'l' }");
  ASSERT_TRUE(CheckJobStatus(spec).ok());
  FillJobDefaults(&spec);
  EXPECT_TRUE(CheckJobStatus(spec).ok()) << CheckJobStatus(spec);
}

// The scheduler checks what came over the wire: any bytes that parse must be survived.
TEST(JobCheckTest, SurvivesAnyMessage) {
  const std::string bytes =
      Spec(
          "name: 'n' nodes { min: 1 max: 2 } roles { name: 'a' count: 3 } "
          "logs { dir: 'l' names: '{rank}' } restart { window { seconds: 5 } } "
          "constraints: 'a==b' success { rank: 1 }")
          .SerializeAsString();
  std::mt19937 random(11);
  int parsed = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 3; ++i) {
      damaged[random() % damaged.size()] = static_cast<char>(random() & 0xFF);
    }
    v1::JobSpec spec;
    if (!spec.ParseFromString(damaged)) continue;
    ++parsed;
    if (FindJobFaults(spec).empty()) FillJobDefaults(&spec);
  }
  EXPECT_GT(parsed, 100);
}

TEST(JobCheckTest, EveryHostOfACompleteJobMustHaveARank) {
  const struct {
    const char* spec;
    const char* message;  // Empty: it is fine.
  } kCases[] = {
      {"nodes { min: 4 } roles { name: 'a' count: 4 }", ""},
      {"nodes { min: 4 } roles { name: 'a' node_ranks: '0-1' } "
       "roles { name: 'b' count: 2 node_ranks: '2-' }",
       ""},
      {"nodes { min: 4 } roles { name: 'server' count: 2 } roles { name: 'trainer' count: 3 }",
       "roles: of 4 hosts host 3 has no rank of any role; say fewer 'nodes', or a larger 'count'"},
      {"nodes { min: 2 max: 6 } roles { name: 'a' count: 3 }",
       "roles: of 6 hosts hosts 3-5 have no rank of any role; say fewer 'nodes', or a larger "
       "'count'"},
  };
  for (const auto& test : kCases) {
    v1::JobSpec spec = Spec(test.spec);
    FillJobDefaults(&spec);
    EXPECT_EQ(CheckEveryHostHasRanks(spec).message(), test.message) << test.spec;
  }
}

}  // namespace
}  // namespace muster

#include "ctl/spec/spec_loader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/fs.h"

namespace muster {
namespace {

absl::StatusOr<v1::JobSpec> Load(const std::string& text) {
  LoadOptions options;
  options.current_dir = "/home/ada";
  return LoadJobText(text, "job.yaml", options);
}

TEST(SpecLoaderTest, ReadsTheJobFileOfTheManual) {
  const auto spec = Load(R"(
name: digits
contract: torch
nodes: {min: 2, max: 4}
ranks_per_node: 4
devices_per_rank: {kind: nvidia, count: 1}
command: [python3, train.py, --lr, 0.1]
env: {DATA_PATH: ./data, N: 3, FLAG: yes}
umask: 027
limits: {memory: 32Gi, open_files: unlimited, core_size: 0}
on_failure: continue
success: rank 0
restart: {max_restarts: 1, window: 1h30m, never_on: [3, 93], always_on: [101]}
bind: numa
logs: {dir: logs, names: "w{rank}.log", keep: 24h}
timeouts:
  start: 90s
labels: {team: vision}
constraints: [gpu==a100, "!slow"]
priority: -5
tty: true
)");
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ(spec->name(), "digits");
  EXPECT_EQ(spec->contract(), "torch");
  EXPECT_EQ(spec->nodes().min(), 2);
  EXPECT_EQ(spec->nodes().max(), 4);
  EXPECT_EQ(spec->roles(0).per_node(), 4);
  EXPECT_EQ(spec->command(3), "0.1");
  EXPECT_EQ(spec->env().at("N"), "3");
  EXPECT_EQ(spec->env().at("FLAG"), "yes");
  EXPECT_EQ(spec->umask(), "027");
  ASSERT_EQ(spec->restart().never_on_size(), 2);
  EXPECT_EQ(spec->restart().never_on(1), 93);
  EXPECT_EQ(spec->restart().always_on(0), 101);
  EXPECT_EQ(spec->limits().memory(), int64_t{32} << 30);
  EXPECT_EQ(spec->limits().open_files(), -1);
  EXPECT_TRUE(spec->limits().has_core_size());
  EXPECT_FALSE(spec->limits().has_stack());
  EXPECT_EQ(spec->on_failure(), v1::FAILURE_ACTION_CONTINUE);
  EXPECT_EQ(spec->success().rank(), 0);
  EXPECT_EQ(spec->success().who_case(), v1::SuccessPolicy::kRank);
  EXPECT_EQ(spec->restart().window().seconds(), 5400);
  EXPECT_EQ(spec->bind(), v1::CORE_BINDING_NUMA);
  EXPECT_EQ(spec->logs().keep().seconds(), 86400);
  EXPECT_EQ(spec->timeouts().start().seconds(), 90);
  EXPECT_EQ(spec->timeouts().stop_grace().seconds(), 10);
  EXPECT_EQ(spec->labels().at("team"), "vision");
  EXPECT_EQ(spec->constraints(1), "!slow");
  EXPECT_EQ(spec->priority(), -5);
  EXPECT_TRUE(spec->tty());
}

TEST(SpecLoaderTest, RolesHaveCountsCommandsAndEnvironmentsOfTheirOwn) {
  const auto spec = Load(R"(
command: [python3, worker.py]
roles:
  - name: server
    count: 2
    command: [python3, server.py]
    env: {ROLE: ps}
  - name: worker
    per_node: 4
success: {role: worker, clean_up: stop}
)");
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ(spec->roles(0).count(), 2);
  EXPECT_EQ(spec->roles(0).env().at("ROLE"), "ps");
  EXPECT_EQ(spec->roles(1).per_node(), 4);
  EXPECT_EQ(spec->success().role(), "worker");
  EXPECT_EQ(spec->success().clean_up(), v1::CLEAN_UP_STOP);
}

TEST(SpecLoaderTest, ShorthandsSayTheSameAsTheFields) {
  EXPECT_EQ(Load("command: [x]\nnodes: 3")->nodes().max(), 3);
  EXPECT_TRUE(Load("command: [x]\nsuccess: all")->success().all());
  EXPECT_EQ(Load("command: [x]\nsuccess: role worker")->success().role(), "worker");
}

TEST(SpecLoaderTest, TheNameComesFromTheFileAndTheFolderFromTheCaller) {
  const auto spec = Load("command: [x]");
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ(spec->name(), "job");
  EXPECT_EQ(spec->workdir(), "/home/ada");
  EXPECT_EQ(LoadJobText("command: [x]", "/tmp/Big Run_2.yaml")->name(), "big-run-2");
  EXPECT_EQ(LoadJobText("command: [/bin/true]", kStdinName)->name(), "true");
}

TEST(SpecLoaderTest, ARelativeFolderIsTheCallersAndAnAbsoluteOneItself) {
  EXPECT_EQ(Load("command: [x]\nworkdir: ./runs/../a")->workdir(), "/home/ada/a");
  EXPECT_EQ(Load("command: [x]\nworkdir: /data")->workdir(), "/data");
}

TEST(SpecLoaderTest, AKeyWithAllItsLinesCommentedOutIsAbsent) {
  const auto spec = Load("command: [x]\nlimits:\n  # memory: 1Gi\nenv:\nroles:\n");
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_FALSE(spec->has_limits());
}

struct Case {
  std::string text;
  std::string error;
};

class SpecErrorTest : public testing::TestWithParam<Case> {};

TEST_P(SpecErrorTest, IsToldWithItsPlaceItsLineAndWhatToDo) {
  const auto spec = Load(GetParam().text);
  ASSERT_FALSE(spec.ok());
  EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(spec.status().message()), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, SpecErrorTest,
    testing::Values(Case{"command: [x]\n\n\n\ndevice_per_rank: {kind: nvidia, count: 1}\n",
                         R"(error: job.yaml:5:1: unknown field 'device_per_rank'
    5 | device_per_rank: {kind: nvidia, count: 1}
      | ^~~~~~~~~~~~~~~
help: did you mean 'devices_per_rank'?)"},
                    Case{"restart: {max_retries: 3, colour: red}",
                         R"(error: job.yaml:1:11: unknown field 'max_retries'
    1 | restart: {max_retries: 3, colour: red}
      |           ^~~~~~~~~~~
help: did you mean 'max_restarts'?

error: job.yaml:1:27: unknown field 'colour'
    1 | restart: {max_retries: 3, colour: red}
      |                           ^~~~~~
help: 'job.restart' has max_restarts, scope, window, first_delay, max_delay, max_host_restarts, never_on, always_on)"},
                    Case{"restart: {never_on: [7, many]}",
                         R"(error: job.yaml:1:25: 'never_on' is 'many', not a whole number
    1 | restart: {never_on: [7, many]}
      |                         ^~~~)"},
                    Case{"roles:\n- name: a\n  cuont: 3\n",
                         R"(error: job.yaml:3:3: unknown field 'cuont'
    3 |   cuont: 3
      |   ^~~~~
help: did you mean 'count'?)"},
                    Case{"name: a\nname: b\n",
                         R"(error: job.yaml:2:1: key 'name' is there twice
    2 | name: b
      | ^~~~
help: keep one of the two)"},
                    Case{"env: {A: 1, B: 2, A: 3}",
                         R"(error: job.yaml:1:19: key 'A' is there twice
    1 | env: {A: 1, B: 2, A: 3}
      |                   ^
help: keep one of the two)"},
                    Case{"success: {role: a, rank: 0}",
                         R"(error: job.yaml:1:20: 'rank' and 'role' exclude each other
    1 | success: {role: a, rank: 0}
      |                    ^~~~
help: keep one of the two)"}));

INSTANTIATE_TEST_SUITE_P(
    Types, SpecErrorTest,
    testing::Values(
        Case{"command: python3 train.py",
             R"(error: job.yaml:1:10: 'command' is a single value, not a list
    1 | command: python3 train.py
      |          ^~~~~~~~~~~~~~~~
help: write command: [python3, train.py])"},
        Case{"ranks_per_node: four",
             R"(error: job.yaml:1:17: 'ranks_per_node' is 'four', not a whole number
    1 | ranks_per_node: four
      |                 ^~~~)"},
        Case{"ranks_per_node: 99999999999",
             R"(error: job.yaml:1:17: 'ranks_per_node' is '99999999999', not a whole number
    1 | ranks_per_node: 99999999999
      |                 ^~~~~~~~~~~
help: it is too large)"},
        Case{"nodes: 0",
             R"(error: job.yaml:1:8: 'nodes' is 0
    1 | nodes: 0
      |        ^
help: use at least 1, or leave the line out)"},
        Case{"nodes: [1, 2]",
             R"(error: job.yaml:1:8: 'nodes' is a list, not a map
    1 | nodes: [1, 2]
      |        ^
help: its fields are min, max)"},
        Case{"tty: yes",
             R"(error: job.yaml:1:6: 'tty' is 'yes', not true or false
    1 | tty: yes
      |      ^~~)"},
        Case{"name:",
             R"(error: job.yaml:1:1: 'name' has no value
    1 | name:
      | ^~~~
help: write one, or leave the line out)"},
        Case{"env: {A: }",
             R"(error: job.yaml:1:10: 'A' is empty, not text
    1 | env: {A: }
      |          ^
help: write an empty text as "")"},
        Case{"on_failure: stop_gnag",
             R"(error: job.yaml:1:13: 'on_failure' has no value 'stop_gnag'
    1 | on_failure: stop_gnag
      |             ^~~~~~~~~
help: did you mean 'stop_gang'?)"},
        Case{"bind: unspecified",
             R"(error: job.yaml:1:7: 'bind' has no value 'unspecified'
    1 | bind: unspecified
      |       ^~~~~~~~~~~
help: use none or core or numa)"},
        Case{"timeouts: {stop_grace: 10}",
             R"(error: job.yaml:1:24: 'stop_grace' is '10', not a time
    1 | timeouts: {stop_grace: 10}
      |                        ^~
help: add a unit, e.g. 10s)"},
        Case{"timeouts: {stop_grace: -3s}",
             R"(error: job.yaml:1:24: 'stop_grace' is '-3s', not a time
    1 | timeouts: {stop_grace: -3s}
      |                        ^~~
help: write it like 30s, 5m or 1h30m)"},
        Case{"limits: {memory: 32Gq}",
             R"(error: job.yaml:1:18: 'memory' is '32Gq', not a size
    1 | limits: {memory: 32Gq}
      |                  ^~~~
help: write it like 4096, 64KiB, 32GiB or unlimited)"},
        Case{"success: rank x",
             R"(error: job.yaml:1:10: 'success' is 'rank x', not a success policy
    1 | success: rank x
      |          ^~~~~~
help: write all, role NAME or rank N)"}));

INSTANTIATE_TEST_SUITE_P(
    Yaml, SpecErrorTest,
    testing::Values(Case{"",
                         R"(error: job.yaml:1:1: the file is empty
    1 | )"
                         "\n"
                         R"(      | ^
help: begin with `command: [PROGRAM, ARGUMENT...]`)"},
                    Case{"- a\n",
                         R"(error: job.yaml:1:1: a job file is a map, this is a list
    1 | - a
      | ^
help: write `key: value` lines, beginning with `command:`)"},
                    Case{"a: &x [lol]\nb: [*x, *x]\n",
                         R"(error: job.yaml:1:4: anchors and aliases are not allowed here
    1 | a: &x [lol]
      |    ^
help: write the value out)"},
                    Case{"name: a\n---\nname: b\n",
                         R"(error: job.yaml:2:1: a second document begins here
    2 | ---
      | ^
help: keep one job to a file)"},
                    Case{"name: !!binary abc\n",
                         R"(error: job.yaml:1:7: tags are not allowed here
    1 | name: !!binary abc
      |       ^
help: leave the tag out; write text in quotes where it looks like something else)"},
                    Case{"name: x\n\tb: 3\n",
                         R"(error: job.yaml:2:1: not YAML: illegal tab when looking for indentation
    2 |  b: 3
      | ^
help: check the indentation (no tabs), brackets and quotes near here)"},
                    Case{"name: \xC3\xA4 \xFF\n",
                         "error: job.yaml:1:9: this byte is not text in UTF-8\n"
                         "    1 | name: \xC3\xA4 ?\n"
                         "      |         ^\n"
                         "help: save the file as UTF-8; is it a job file at all?"}));

INSTANTIATE_TEST_SUITE_P(
    Checks, SpecErrorTest,
    testing::Values(
        Case{"ranks_per_node: 2000\ncommand: [x]\nroles:\n- name: Bad\n",
             R"(error: job.yaml:1:17: 'ranks_per_node' is 2000
    1 | ranks_per_node: 2000
      |                 ^~~~
help: use a number from 1 to 1024

error: job.yaml:1:17: 'ranks_per_node' and 'roles' exclude each other
    1 | ranks_per_node: 2000
      |                 ^~~~
help: give each role its own 'per_node' or 'count'

error: job.yaml:4:9: 'Bad' cannot be a name
    4 | - name: Bad
      |         ^~~
help: use lower-case letters, digits and '-', at most 40, e.g. 'bad')"},
        Case{"nodes: -1\ncommand: [x]\n",
             R"(error: job.yaml:1:8: 'nodes' is -1
    1 | nodes: -1
      |        ^~
help: use a number from 1 to 4096)"},
        Case{"name: a\n",
             R"(error: job.yaml:1:1: 'command' is missing
    1 | name: a
      | ^
help: say what each rank runs, e.g. command: [python3, train.py])"},
        Case{"command: [x]\nenv:\n  OK: 1\n  1BAD: 2\n",
             R"(error: job.yaml:4:3: '1BAD' cannot name an environment variable
    4 |   1BAD: 2
      |   ^~~~
help: use letters, digits and '_', no digit first)"},
        Case{"command: [x]\nsuccess: rank 7\n",
             R"(error: job.yaml:2:10: there is no rank 7 of role 'worker'
    2 | success: rank 7
      |          ^~~~~~
help: use a rank from 0 to 0)"},
        Case{"command: [x]\ncontract: troch\n",
             R"(error: job.yaml:2:11: there is no contract 'troch'
    2 | contract: troch
      |           ^~~~~
help: use one of mindspore, paddle_collective, paddle_heter, paddle_ipu, paddle_ps, paddle_rpc, plain, rank_table, torch)"},
        Case{
            "command: [x]\ncontract: torch\nrestart: {scope: rank}\n",
            R"(error: job.yaml:3:18: contract 'torch' cannot take a single rank back into a running process group
    3 | restart: {scope: rank}
      |                  ^~~~
help: use gang)"}));

// The lines "PLACE: what" of all faults, in the order in which they are shown.
std::vector<std::string> FaultLines(const std::string& text) {
  std::vector<std::string> lines;
  const std::string shown(Load(text).status().message());
  for (const absl::string_view line : absl::StrSplit(shown, '\n')) {
    if (absl::StartsWith(line, "error: job.yaml:")) lines.emplace_back(line.substr(16));
  }
  return lines;
}

TEST(SpecLoaderTest, FaultsOfFormAndOfValuesComeTogetherInTheOrderOfTheirLines) {
  EXPECT_EQ(FaultLines("command: [x]\n"
                       "priority: 5000\n"
                       "ranks_per_nod: 3\n"
                       "name: Bad Name\n"
                       "contract: tourch\n"
                       "umask: 999\n"),
            (std::vector<std::string>{"2:11: 'priority' is 5000",             //
                                      "3:1: unknown field 'ranks_per_nod'",   //
                                      "4:7: 'Bad Name' cannot be a name",     //
                                      "5:11: there is no contract 'tourch'",  //
                                      "6:8: '999' is not a file mode creation mask"}));
}

TEST(SpecLoaderTest, AContractsOwnRulesAreToldBesideOtherFaults) {
  EXPECT_EQ(FaultLines("command: [x]\ncontract: torch\npriority: 5000\nmode: x\n").size(), 2u);
}

TEST(SpecLoaderTest, WhatCouldNotBeReadIsNotCalledMissing) {
  EXPECT_EQ(FaultLines("comand: [x]\n").size(), 1u);
  EXPECT_EQ(FaultLines("command: [x]\ndevices_per_rank: {kind: xpu, cuont: 1}\n").size(), 1u);
  EXPECT_EQ(FaultLines("command: [x]\ndevices_per_rank: {kind: xpu, count: one}\n").size(), 1u);
  EXPECT_EQ(FaultLines("command: [x]\nroles: [{nam: ps}]\nsuccess: role ps\n").size(), 1u);
}

TEST(SpecLoaderTest, AFileThatIsTooLargeIsToldWhereItIs) {
  const auto spec = Load(absl::StrCat("command: [x]\n#", std::string(kMaxJobFileBytes, 'a')));
  ASSERT_FALSE(spec.ok());
  EXPECT_EQ(spec.status().message().substr(0, 64),
            "error: job.yaml:2:1048564: the file is larger than 1048576 bytes");
}

TEST(SpecLoaderTest, NestingAndNumberOfValuesAreBounded) {
  std::string deep = "env: ";
  for (int i = 0; i < 40; ++i) deep += "[";
  for (int i = 0; i < 40; ++i) deep += "]";
  EXPECT_NE(Load(deep).status().message().find("nested deeper than 32"), absl::string_view::npos);
  std::string wide = "command: [";
  for (int i = 0; i < 25000; ++i) wide += "a,";
  EXPECT_NE(Load(wide + "]").status().message().find("more than 20000 values"),
            absl::string_view::npos);
}

TEST(SpecLoaderTest, MoreThanTwentyFaultsAreCounted) {
  std::string text;
  for (int i = 0; i < 25; ++i) absl::StrAppend(&text, "bogus", i, ": 1\n");
  const std::string message(Load(text).status().message());
  EXPECT_EQ(message.substr(message.size() - 21), "... and 5 more errors");
}

TEST(SpecLoaderTest, AFileThatCannotBeReadSaysWhyInOneLine) {
  const std::string dir = std::getenv("TEST_TMPDIR");
  const std::string missing = JoinPath(dir, "missing.yaml");
  EXPECT_EQ(LoadJobFile(missing).status(),
            absl::NotFoundError(absl::StrCat(missing, ": No such file or directory")));
  EXPECT_FALSE(LoadJobFile(dir).ok());
  const std::string path = JoinPath(dir, "good.yaml");
  ASSERT_TRUE(WriteFile(path, "command: [x]").ok());
  EXPECT_EQ(LoadJobFile(path)->name(), "good");
}

// Whatever a half-written or damaged file has in it, it is refused in words, never with a crash.
TEST(SpecLoaderTest, SurvivesEveryTruncationAndManyDamages) {
  const std::string text =
      "name: digits\nnodes: {min: 2, max: 4}\nroles:\n  - name: \"a\\x41\"\n    count: 3\n"
      "    env: {A: 'x''y', B: |\n      block\n    }\ncommand: [python3, \"train.py\", >-\n  y]\n"
      "success: {role: a, clean_up: stop}\nlimits: {memory: 32Gi}\n? key\n: value\n";
  for (size_t length = 0; length <= text.size(); ++length) (void)Load(text.substr(0, length));
  std::mt19937 random(3);
  constexpr char kNasty[] = "[]{}:,-?!&*#|>'\"%@`\t\n \\\0\xC3\xA4\xFF~a0.";
  for (int round = 0; round < 1500; ++round) {
    std::string damaged = text;
    for (int i = 0; i < 4; ++i) {
      damaged[random() % damaged.size()] = kNasty[random() % (sizeof(kNasty) - 1)];
    }
    (void)Load(damaged);
  }
}

}  // namespace
}  // namespace muster

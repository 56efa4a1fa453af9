#include "ctl/frontend/torchrun/cluster_job.h"

#include <gtest/gtest.h>

#include "ctl/frontend/torchrun/torchrun.h"

namespace muster {
namespace {

using Words = std::vector<std::string>;

absl::StatusOr<FrontendJob> Job(const Words& words) {
  return TorchrunJob({words, {{"PYTHON_EXEC", "/py"}}, "/home/u", "torchrun"});
}

Words Command(const FrontendJob& job) {
  return {job.spec.command().begin(), job.spec.command().end()};
}

TEST(TorchrunJobTest, KeepsCountsRestartsAndTheScript) {
  const auto job = Job({"--nnodes=2:4", "--nproc_per_node=8", "--max_restarts=3", "train.py", "x"});
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->spec.contract(), "torch");
  EXPECT_EQ(job->spec.name(), "train-py");
  EXPECT_EQ(job->spec.nodes().min(), 2);
  EXPECT_EQ(job->spec.nodes().max(), 4);
  EXPECT_EQ(job->spec.ranks_per_node(), 8);
  EXPECT_EQ(job->spec.restart().max_restarts(), 3);
  EXPECT_GT(job->spec.restart().window().seconds(), 365 * 24 * 3600);
  EXPECT_EQ(job->spec.workdir(), "/home/u");
  EXPECT_EQ(Command(*job), (Words{"/py", "-u", "train.py", "x"}));
  EXPECT_FALSE(job->shown_ranks);
  EXPECT_TRUE(job->notes.empty());
}

TEST(TorchrunJobTest, ARoleAndAnIdBecomeNames) {
  const auto job = Job({"--role=trainer", "--rdzv_id=Exp_7", "--nproc_per_node=2", "t.py"});
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->spec.name(), "exp-7");
  ASSERT_EQ(job->spec.roles_size(), 1);
  EXPECT_EQ(job->spec.roles(0).name(), "trainer");
  EXPECT_EQ(job->spec.roles(0).per_node(), 2);
}

TEST(TorchrunJobTest, SaysWhatTheAgentsChoose) {
  const auto job = Job({"--rdzv_backend=etcd-v2", "--rdzv_endpoint=e:1", "--master_port=3", "t"});
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->notes,
            Words{"torchrun: --rdzv_backend, --rdzv_endpoint, --master_port: not needed; the "
                  "agents bring the ranks together"});
}

TEST(TorchrunJobTest, EachRanksOwnNumberIsPutInByAShell) {
  const auto job = Job({"--pass_local_rank", "t.py", "it's", "f${local_rank}.log"});
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(Command(*job),
            (Words{"sh", "-c",
                   "exec '/py' '-u' 't.py' '--local_rank='\"$LOCAL_RANK\"'' 'it'\\''s' "
                   "'f'\"$LOCAL_RANK\"'.log'"}));
}

TEST(TorchrunJobTest, WhatGoesToFilesAloneIsNotShown) {
  const auto some = Job({"--nnodes=2", "--nproc_per_node=2", "-r", "1:3", "--log_dir=l", "t.py"});
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(some->shown_ranks, (std::vector<int>{0, 2}));
  EXPECT_EQ(some->spec.logs().dir(), "/home/u/l");
  EXPECT_EQ(some->spec.logs().names(), "attempt_{attempt}_rank_{rank}_std{stream}.log");
  const auto teed = Job({"--nproc_per_node=2", "-r", "3", "-t", "0:1", "t.py"});
  ASSERT_TRUE(teed.ok());
  EXPECT_EQ(teed->shown_ranks, std::vector<int>{0});
  const auto none = Job({"-r", "3", "t.py"});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none->shown_ranks, std::vector<int>{});
}

TEST(TorchrunJobTest, RefusesWhatBelongsToOneNode) {
  EXPECT_EQ(Job({"--nnodes=2", "--node_rank=1", "t"}).status().message(),
            "--node_rank=1: one job starts all nodes; submit it once, without --node_rank");
  EXPECT_EQ(Job({"--role=My Role", "t"}).status().message(),
            "--role=My Role: a job's role has lower-case letters, digits and '-'");
  EXPECT_EQ(Job({"--nnodes=x", "t"}).status().message(),
            "torchrun: nnodes=x is not in \"MIN:MAX\" format");
}

TEST(TorchrunJobTest, GpusAreNotCountedWhereThereAreNone) {
  const std::map<std::string, std::string> env = {{"CUDA_VISIBLE_DEVICES", ""}};
  const auto job = TorchrunJob({{"--nproc_per_node=gpu", "t"}, env, "/home/u", "torchrun"});
  EXPECT_EQ(job.status().message(),
            "--nproc_per_node=gpu: this host shows no NVIDIA device to count, and the agents' "
            "hosts are not known yet; a job on the agents needs a number, like --nproc_per_node=8");
}

TEST(TorchrunFrontendTest, KnowsItsCalls) {
  const struct {
    Words command;
    std::optional<Words> words;
  } kCases[] = {
      {{"torchrun", "--nnodes=1", "t.py"}, Words{"--nnodes=1", "t.py"}},
      {{"/opt/bin/torchrun", "t.py"}, Words{"t.py"}},
      {{"python", "-m", "torch.distributed.run", "t.py"}, Words{"t.py"}},
      {{"/usr/bin/python3.11", "-u", "-m", "torch.distributed.run", "t.py"}, Words{"t.py"}},
      {{"python3", "-m", "torch.distributed.launch", "t.py"}, Words{"--pass_local_rank", "t.py"}},
      {{"python", "-m", "torch.distributed.elastic", "t.py"}, std::nullopt},
      {{"python", "torchrun", "t.py"}, std::nullopt},
      {{"python", "-c", "-m", "torch.distributed.run"}, std::nullopt},
      {{"pythonic", "-m", "torch.distributed.run"}, std::nullopt},
      {{"python", "-m"}, std::nullopt},
      {{}, std::nullopt},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(TorchrunFrontend().match(test.command), test.words);
  }
}

}  // namespace
}  // namespace muster

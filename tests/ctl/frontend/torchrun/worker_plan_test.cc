#include "ctl/frontend/torchrun/worker_plan.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

using Words = std::vector<std::string>;
using Env = std::map<std::string, std::string>;

HostFacts Host() {
  HostFacts host;
  host.name = "a";
  host.cpus = 6;
  host.python = "/venv/bin/python3";
  return host;
}

absl::StatusOr<WorkerPlan> Plan(const Words& words, const Env& env = {}) {
  const TorchrunParse parse = ParseTorchrun("torchrun", words, env);
  if (parse.exit_status) return absl::InvalidArgumentError(parse.text);
  return MakeWorkerPlan(parse.options, Host(), env, "run-1", "10.0.0.1");
}

WorldPlace SecondOfTwo() {
  WorldPlace place;
  place.restart_count = 1;
  place.group_rank = 1;
  place.group_world_size = 2;
  place.first_rank = 4;
  place.world_size = 8;
  place.first_role_rank = 4;
  place.role_world_size = 8;
  place.master_port = 2000;
  return place;
}

// contracts/torch.md, "Environment of each rank".
TEST(WorkerPlanTest, ARankGetsItsVariablesOnTopOfTheCallers) {
  const auto plan = Plan({"--nproc_per_node=4", "--role=trainer", "--max_restarts=3", "t.py"},
                         {{"HOME", "/home/u"}, {"RANK", "9"}, {"NCCL_DEBUG", "INFO"}});
  ASSERT_TRUE(plan.ok()) << plan.status();
  const ProcessSpec spec = WorkerProcess(*plan, SecondOfTwo(), 2, "/logs/attempt_1");
  const Env want = {{"HOME", "/home/u"},
                    {"NCCL_DEBUG", "INFO"},
                    {"RANK", "6"},
                    {"WORLD_SIZE", "8"},
                    {"LOCAL_RANK", "2"},
                    {"LOCAL_WORLD_SIZE", "4"},
                    {"GROUP_RANK", "1"},
                    {"GROUP_WORLD_SIZE", "2"},
                    {"ROLE_NAME", "trainer"},
                    {"ROLE_RANK", "6"},
                    {"ROLE_WORLD_SIZE", "8"},
                    {"MASTER_ADDR", "10.0.0.1"},
                    {"MASTER_PORT", "2000"},
                    {"TORCHELASTIC_RESTART_COUNT", "1"},
                    {"TORCHELASTIC_MAX_RESTARTS", "3"},
                    {"TORCHELASTIC_RUN_ID", "run-1"},
                    {"TORCHELASTIC_USE_AGENT_STORE", "False"},
                    {"TORCHELASTIC_ERROR_FILE", "/logs/attempt_1/2/error.json"},
                    {"OMP_NUM_THREADS", "1"},
                    {"NCCL_ASYNC_ERROR_HANDLING", "1"}};
  EXPECT_EQ(spec.env, want);
  EXPECT_EQ(spec.argv, (Words{"/venv/bin/python3", "-u", "t.py"}));
  EXPECT_EQ(spec.out_path, "");
  EXPECT_EQ(spec.err_path, "");
}

TEST(WorkerPlanTest, TheUsersThreadsAndErrorHandlingStay) {
  const auto plan = Plan({"--nproc_per_node=2", "t.py"},
                         {{"OMP_NUM_THREADS", "8"}, {"NCCL_ASYNC_ERROR_HANDLING", "0"}});
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->threads_note);
  const ProcessSpec spec = WorkerProcess(*plan, WorldPlace(), 0, "/l");
  EXPECT_EQ(spec.env.at("OMP_NUM_THREADS"), "8");
  EXPECT_EQ(spec.env.at("NCCL_ASYNC_ERROR_HANDLING"), "0");
}

TEST(WorkerPlanTest, OneWorkerMayUseAllThreads) {
  const auto plan = Plan({"t.py"});
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->threads_note);
  EXPECT_EQ(WorkerProcess(*plan, WorldPlace(), 0, "/l").env.count("OMP_NUM_THREADS"), 0u);
}

TEST(WorkerPlanTest, TheLeadersAddressCountsBeforeTheEndpoints) {
  const auto plan = Plan({"t.py"});
  WorldPlace place;
  place.master_addr = "fast-0";
  EXPECT_EQ(WorkerProcess(*plan, place, 0, "/l").env.at("MASTER_ADDR"), "fast-0");
}

TEST(WorkerPlanTest, CommandsAreAsTheOriginalBuildsThem) {
  const struct {
    Words words;
    Words argv;
  } kCases[] = {
      {{"t.py", "a"}, {"/venv/bin/python3", "-u", "t.py", "a"}},
      {{"-m", "pkg.mod", "-x"}, {"/venv/bin/python3", "-u", "-m", "pkg.mod", "-x"}},
      {{"--no_python", "./worker", "--n=${local_rank}"}, {"./worker", "--n=1"}},
      {{"--pass_local_rank", "t.py", "a"},
       {"/venv/bin/python3", "-u", "t.py", "--local_rank=1", "a"}},
      {{"t.py", "$local_rank", "$local_ranks", "$$x", "$", "${other}"},
       {"/venv/bin/python3", "-u", "t.py", "1", "$local_ranks", "$x", "$", "${other}"}},
  };
  for (const auto& test : kCases) {
    const auto plan = Plan(test.words);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(WorkerProcess(*plan, WorldPlace(), 1, "/l").argv, test.argv);
  }
}

TEST(WorkerPlanTest, RunPathRunsTheScriptByRunpy) {
  const auto plan = Plan({"--run_path", "--no_python", "/abs/t.py", "a"});
  ASSERT_TRUE(plan.ok());
  const Words argv = WorkerProcess(*plan, WorldPlace(), 0, "/l").argv;
  ASSERT_EQ(argv.size(), 6u);
  EXPECT_EQ(argv[2], "-c");
  EXPECT_NE(argv[3].find("runpy.run_path(sys.argv[0], run_name='__main__')"), std::string::npos);
  EXPECT_EQ(argv[4], "/abs/t.py");
  EXPECT_EQ(plan->title, "run_script_path");
}

TEST(WorkerPlanTest, RedirectsAndTeesAreFiles) {
  const auto plan = Plan({"--nproc_per_node=3", "-r", "0:3,1:1", "-t", "1:2", "t.py"});
  ASSERT_TRUE(plan.ok());
  const ProcessSpec zero = WorkerProcess(*plan, WorldPlace(), 0, "/l/attempt_0");
  EXPECT_EQ(zero.out_path, "/l/attempt_0/0/stdout.log");
  EXPECT_EQ(zero.err_path, "/l/attempt_0/0/stderr.log");
  const ProcessSpec one = WorkerProcess(*plan, WorldPlace(), 1, "/l/attempt_0");
  EXPECT_EQ(one.out_path, "/l/attempt_0/1/stdout.log");
  EXPECT_EQ(one.err_path, "/l/attempt_0/1/stderr.log");
  const ProcessSpec two = WorkerProcess(*plan, WorldPlace(), 2, "/l/attempt_0");
  EXPECT_EQ(two.out_path + two.err_path, "");
}

TEST(WorkersPerNodeTest, CountsTheHost) {
  HostFacts host = Host();
  EXPECT_EQ(*WorkersPerNode("3", host), 3);
  EXPECT_EQ(*WorkersPerNode("cpu", host), 6);
  EXPECT_EQ(*WorkersPerNode("auto", host), 6);
  EXPECT_FALSE(WorkersPerNode("gpu", host).ok());
  host.gpus = 2;
  EXPECT_EQ(*WorkersPerNode("auto", host), 2);
  EXPECT_EQ(*WorkersPerNode("gpu", host), 2);
}

TEST(HostFactsTest, VisibleGpusEndAtTheFirstThatIsNone) {
  const auto visible = [](const std::string& text) { return VisibleGpus(4, &text); };
  EXPECT_EQ(VisibleGpus(4, nullptr), 4);
  EXPECT_EQ(visible("0,2"), 2);
  EXPECT_EQ(visible(""), 0);
  EXPECT_EQ(visible("-1"), 0);
  EXPECT_EQ(visible("1,-1,2"), 1);
  EXPECT_EQ(visible("0,9,1"), 1);
  EXPECT_EQ(visible("GPU-8932f937-d72c-4106-c12f-20bd9faed9f6, 3"), 2);
}

TEST(HostFactsTest, TheCallersInterpreterCountsFirst) {
  EXPECT_EQ(FindPython({{"PYTHON_EXEC", "/opt/py"}, {"PATH", "/usr/bin"}}), "/opt/py");
  EXPECT_EQ(FindPython({{"PATH", "/nonexistent"}}), "python3");
}

}  // namespace
}  // namespace muster

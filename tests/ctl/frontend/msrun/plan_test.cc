// Expected values are typed from the contract of msrun; each test names its sections.
#include "ctl/frontend/msrun/plan.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "ctl/frontend/msrun/flags.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;
using Words = std::vector<std::string>;

class MsrunPlanTest : public testing::Test {
 protected:
  MsrunPlanTest() {
    host_.master_ip = "127.0.0.1";
    host_.source_ip = "127.0.0.1";
    host_.addresses = {"127.0.0.1", "10.0.0.1"};
    host_.hostname = "node-a";
    host_.env = {{"PATH", "/bin"}};
  }
  absl::StatusOr<MsrunPlan> TryPlan(const Words& words) {
    const MsrunParse parse = ParseMsrun(words);
    EXPECT_EQ(parse.usage_error, std::nullopt);
    return PlanMsrun(parse.flags, host_);
  }
  MsrunPlan Plan(const Words& words) {
    const absl::StatusOr<MsrunPlan> plan = TryPlan(words);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.value_or(MsrunPlan());
  }
  std::string Refusal(const Words& words) { return std::string(TryPlan(words).status().message()); }

  MsrunHost host_;
};

// 1.3
TEST_F(MsrunPlanTest, SchedulersEnvironment) {
  const MsrunPlan plan = Plan({"--worker_num=2", "--local_worker_num=2", "x.py"});
  ASSERT_TRUE(plan.scheduler.has_value());
  EXPECT_EQ(plan.scheduler->spec.env, (Env{{"PATH", "/bin"},
                                           {"RANK_SIZE", "2"},
                                           {"MS_WORKER_NUM", "2"},
                                           {"MS_SCHED_HOST", "127.0.0.1"},
                                           {"MS_SCHED_PORT", "8118"},
                                           {"MS_TOPO_TIMEOUT", "600"},
                                           {"MS_ROLE", "MS_SCHED"},
                                           {"RANK_ID", "0"}}));
}

// 1.3
TEST_F(MsrunPlanTest, WorkersEnvironmentOnOneHost) {
  const MsrunPlan plan = Plan({"--worker_num=2", "--local_worker_num=2", "--master_port=9000",
                               "--cluster_time_out=30", "x.py"});
  ASSERT_EQ(plan.workers.size(), 2U);
  EXPECT_EQ(plan.workers[1].spec.env, (Env{{"PATH", "/bin"},
                                           {"RANK_SIZE", "2"},
                                           {"MS_WORKER_NUM", "2"},
                                           {"MS_SCHED_HOST", "127.0.0.1"},
                                           {"MS_SCHED_PORT", "9000"},
                                           {"MS_TOPO_TIMEOUT", "30"},
                                           {"MS_ROLE", "MS_WORKER"},
                                           {"RANK_ID", "1"},
                                           {"MS_NODE_ID", "1"},
                                           {"DEVICE_ID", "1"}}));
}

// 1.3, 1.4
TEST_F(MsrunPlanTest, SecondHostOfFourByFour) {
  host_.master_ip = "10.0.0.9";
  const MsrunPlan plan = Plan({"--worker_num=8", "--local_worker_num=4", "--node_rank=1",
                               "--master_addr=10.0.0.9", "--log_dir=msrun_log", "x.py"});
  EXPECT_FALSE(plan.scheduler.has_value());  // 1.7
  ASSERT_EQ(plan.workers.size(), 4U);
  const MsrunProcess& first = plan.workers[0];
  EXPECT_EQ(first.spec.env.at("RANK_ID"), "4");
  EXPECT_EQ(first.spec.env.at("MS_NODE_ID"), "4");
  EXPECT_EQ(first.spec.env.at("DEVICE_ID"), "0");
  EXPECT_EQ(first.spec.out_path, "msrun_log/worker_4.log");
  EXPECT_EQ(first.console_line,
            "Start worker process with rank id:4, log file:msrun_log/worker_4.log. Environment "
            "variable [RANK_ID=4] is exported.\n");
}

// 1.3, 8: no RANK_ID where the rank is automatic, on the scheduler's host too.
TEST_F(MsrunPlanTest, AutomaticRanks) {
  const MsrunPlan plan = Plan({"--worker_num=4", "--local_worker_num=2", "x.py"});
  ASSERT_TRUE(plan.scheduler.has_value());
  for (const MsrunProcess& worker : plan.workers) {
    EXPECT_EQ(worker.spec.env.count("RANK_ID"), 0U);
    EXPECT_EQ(worker.spec.env.count("MS_NODE_ID"), 0U);
    EXPECT_EQ(worker.console_line, "");
    ASSERT_EQ(worker.warnings.size(), 1U);
    EXPECT_TRUE(absl::StartsWith(worker.warnings[0], "Rank ids will be assigned automatically, "));
  }
  EXPECT_EQ(plan.workers[1].spec.out_path, "worker_1.log");
  ASSERT_EQ(plan.worker_warnings.size(), 1U);
  EXPECT_TRUE(absl::StartsWith(plan.worker_warnings[0],
                               "You are running distributed job with multiple nodes but not "
                               "setting '--node_rank'. "));
}

// 1.2
TEST_F(MsrunPlanTest, Commands) {
  EXPECT_EQ(
      Plan({"--worker_num=1", "--local_worker_num=1", "x.py", "--a", "b c"}).workers[0].spec.argv,
      (Words{"python", "x.py", "--a", "b c"}));
  for (const char* program : {"python", "python3", "pytest"}) {
    EXPECT_EQ(
        Plan({"--worker_num=1", "--local_worker_num=1", program, "-u", "x"}).workers[0].spec.argv,
        (Words{program, "-u", "x"}));
  }
  EXPECT_EQ(Plan({"--worker_num=1", "--local_worker_num=1", "/bin/echo"}).workers[0].spec.argv,
            (Words{"python", "/bin/echo"}));
}

// 1.2
TEST_F(MsrunPlanTest, OnlyWorkersHaveSessionsOfTheirOwn) {
  const MsrunPlan plan = Plan({"--worker_num=1", "--local_worker_num=1", "x.py"});
  EXPECT_FALSE(plan.scheduler->spec.new_session);
  EXPECT_TRUE(plan.workers[0].spec.new_session);
}

// 1.4
TEST_F(MsrunPlanTest, LogNames) {
  host_.source_ip = "10.0.0.1";
  const Words one = {"--worker_num=1", "--local_worker_num=1"};
  const auto path = [this, &one](const Words& more) {
    Words words = one;
    words.insert(words.end(), more.begin(), more.end());
    return Plan(words).workers[0].spec.out_path;
  };
  EXPECT_EQ(path({"x.py"}), "worker_0.log");
  EXPECT_EQ(path({"--log_dir=logs/", "x.py"}), "logs/worker_0.log");
  EXPECT_EQ(path({"--log_dir=/l", "--worker_log_name={hostname}_{ip}", "x.py"}),
            "/l/node-a_10.0.0.1_0.log");
  EXPECT_EQ(path({"--worker_log_name=w_{rank}", "x.py"}), "w_{rank}_0.log");
}

// 1.5
TEST_F(MsrunPlanTest, TailNamesGlobalRanks) {
  host_.master_ip = "10.0.0.9";
  const MsrunPlan plan = Plan({"--worker_num=4", "--local_worker_num=2", "--node_rank=1",
                               "--join=True", "--tail_worker_log=-1,3", "x.py"});
  EXPECT_FALSE(plan.workers[0].shown);
  EXPECT_TRUE(plan.workers[1].shown);
  ASSERT_EQ(plan.workers[0].warnings.size(), 1U);
  EXPECT_TRUE(absl::StartsWith(plan.workers[0].warnings[0],
                               "The '--tail_worker_log' is:-1,3, which doesn't contain this "
                               "worker 2. "));
}

// 1.5
TEST_F(MsrunPlanTest, TailSelectsNothingAmongAutomaticRanks) {
  const MsrunPlan plan = Plan(
      {"--worker_num=4", "--local_worker_num=2", "--join=True", "--tail_worker_log=0", "x.py"});
  for (const MsrunProcess& worker : plan.workers) EXPECT_FALSE(worker.shown);
}

// 1.4
TEST_F(MsrunPlanTest, WarningsOfRanksAndTables) {
  EXPECT_EQ(
      Plan({"--worker_num=1", "--local_worker_num=1", "--node_rank=3", "x.py"}).worker_warnings,
      Words{"All workers will be spawned on this node, so 'node_rank': [3] will be ignored."});
  const MsrunPlan plan =
      Plan({"--worker_num=1", "--local_worker_num=1", "--rank_table_file=t.json", "x.py"});
  EXPECT_EQ(plan.warnings,
            Words{"msrun launching distributed job with user configured rank table file "
                  "path:t.json"});
  EXPECT_EQ(plan.workers[0].spec.env.at("RANK_TABLE_FILE"), "t.json");
  EXPECT_EQ(plan.scheduler->spec.env.at("RANK_TABLE_FILE"), "t.json");
}

// 1.1, 8
TEST_F(MsrunPlanTest, Refusals) {
  EXPECT_EQ(Refusal({"--worker_num=0", "x.py"}),
            "ValueError: worker_num must be greater than 0, but got 0.");
  EXPECT_EQ(Refusal({"--worker_num=2", "--local_worker_num=3", "x.py"}),
            "ValueError: Total worker number is 2, but got exceeded local worker number: 3.");
  EXPECT_EQ(Refusal({"--join=True", "--tail_worker_log=0,abc", "x.py"}),
            "ValueError: invalid literal for int() with base 10: 'abc'");
  for (const char* port : {"0", "-1", "65536", "70000"}) {
    EXPECT_EQ(
        Refusal({std::string("--master_port=") + port, "x.py"}),
        std::string("ValueError: master_port must be from 1 to 65535, but got ") + port + ".");
  }
  EXPECT_NE(Refusal({"--local_worker_num=-1", "x.py"}), "");
}

// 8
TEST_F(MsrunPlanTest, FollowedWithOneWarning) {
  EXPECT_EQ(
      Plan({"--worker_num=1", "--local_worker_num=1", "--master_port=80", "x.py"}).warnings.size(),
      1U);
  const MsrunPlan plan = Plan({"--worker_num=4", "--local_worker_num=2", "--node_rank=9", "x.py"});
  EXPECT_EQ(plan.worker_warnings.size(), 1U);
  EXPECT_EQ(plan.workers[0].spec.env.at("RANK_ID"), "18");
}

// 1.1
TEST_F(MsrunPlanTest, NoLocalWorkerMeansTheSchedulerAlone) {
  const MsrunPlan plan = Plan({"--worker_num=4", "--local_worker_num=0", "x.py"});
  EXPECT_TRUE(plan.scheduler.has_value());
  EXPECT_TRUE(plan.workers.empty());
}

// 8
TEST_F(MsrunPlanTest, LeftoversOfOtherLaunchersAreNotPassedOn) {
  host_.env = {{"MS_NODE_ID", "7"}, {"RANK_ID", "7"}, {"DEVICE_ID", "7"}, {"MS_SERVER_NUM", "1"}};
  const MsrunPlan plan = Plan({"--worker_num=4", "--local_worker_num=2", "x.py"});
  EXPECT_EQ(plan.scheduler->spec.env.count("MS_NODE_ID"), 0U);
  EXPECT_EQ(plan.scheduler->spec.env.at("RANK_ID"), "0");
  EXPECT_EQ(plan.scheduler->spec.env.at("DEVICE_ID"), "7");
  EXPECT_EQ(plan.workers[0].spec.env.count("MS_NODE_ID"), 0U);
  EXPECT_EQ(plan.workers[0].spec.env.count("RANK_ID"), 0U);
  EXPECT_EQ(plan.workers[0].spec.env.at("MS_SERVER_NUM"), "1");
  ASSERT_EQ(plan.warnings.size(), 1U);
  EXPECT_TRUE(absl::StartsWith(plan.warnings[0], "MS_NODE_ID, RANK_ID of the caller's"));
}

// 1.9
TEST_F(MsrunPlanTest, DryRunOfAllWorkers) {
  const MsrunPlan plan = Plan({"--worker_num=2", "--local_worker_num=2", "--sim_level=1", "x.py"});
  EXPECT_FALSE(plan.scheduler.has_value());
  EXPECT_EQ(plan.workers[1].spec.env, (Env{{"PATH", "/bin"},
                                           {"RANK_SIZE", "2"},
                                           {"MS_WORKER_NUM", "2"},
                                           {"MS_SIMULATION_LEVEL", "1"},
                                           {"RANK_ID", "1"},
                                           {"MS_NODE_ID", "1"},
                                           {"DEVICE_ID", "1"}}));
}

// 1.9
TEST_F(MsrunPlanTest, DryRunOfOneRank) {
  const MsrunPlan plan = Plan({"--worker_num=64", "--sim_level=1", "--sim_rank_id=33", "x.py"});
  ASSERT_EQ(plan.workers.size(), 1U);
  EXPECT_EQ(plan.workers[0].spec.env, (Env{{"PATH", "/bin"},
                                           {"RANK_SIZE", "64"},
                                           {"MS_WORKER_NUM", "64"},
                                           {"MS_SIMULATION_LEVEL", "1"},
                                           {"RANK_ID", "33"},
                                           {"DEVICE_ID", "0"}}));
  EXPECT_EQ(plan.workers[0].spec.out_path, "worker_0.log");
}

// 1.9
TEST_F(MsrunPlanTest, DryRunThatTheEnvironmentAsksFor) {
  host_.env = {{"MS_SIMULATION_LEVEL", "2"}, {"RANK_ID", "5"}, {"RANK_SIZE", "16"}};
  const MsrunPlan plan = Plan({"--worker_num=8", "x.py"});
  EXPECT_FALSE(plan.scheduler.has_value());
  ASSERT_EQ(plan.workers.size(), 1U);
  EXPECT_EQ(plan.workers[0].spec.env.at("RANK_SIZE"), "16");
  EXPECT_EQ(plan.workers[0].spec.env.at("MS_WORKER_NUM"), "8");
  EXPECT_EQ(plan.workers[0].spec.env.at("RANK_ID"), "5");
}

// 1.9
TEST_F(MsrunPlanTest, MoreWorkersThanAHostCanHaveAreATypingError) {
  EXPECT_EQ(Refusal({"--worker_num=2147483647", "--local_worker_num=2147483647", "x.py"}),
            "ValueError: local_worker_num must be at most 10000 (workers of one host), but got "
            "2147483647.");
}

TEST_F(MsrunPlanTest, DryRunOfMoreThan128WorkersIsOneProcess) {
  const MsrunPlan plan =
      Plan({"--worker_num=256", "--local_worker_num=256", "--sim_level=0", "x.py"});
  ASSERT_EQ(plan.workers.size(), 1U);
  EXPECT_EQ(plan.workers[0].spec.env.at("RANK_ID"), "0");
}

// 1.3, 1.8
TEST_F(MsrunPlanTest, BoundWorkersAreToldTheirCpus) {
  host_.cpus.cpus = {0, 1, 2, 3};
  const MsrunPlan plan =
      Plan({"--worker_num=2", "--local_worker_num=2", "--bind_core=True", "x.py"});
  EXPECT_TRUE(plan.scheduler->spec.cpus.empty());
  EXPECT_EQ(plan.scheduler->spec.env.count("MSRUN_CPU_LIST"), 0U);
  EXPECT_EQ(plan.workers[1].spec.cpus, (std::vector<int>{2, 3}));
  EXPECT_EQ(plan.workers[1].spec.env.at("MSRUN_CPU_LIST"), "[2, 3]");
  EXPECT_EQ(plan.workers[1].spec.argv[0], "python");
  const MsrunPlan by_hand =
      Plan({"--worker_num=1", "--local_worker_num=1", R"(--bind_core={"device0":["1-2"]})", "x"});
  EXPECT_EQ(by_hand.workers[0].spec.cpus, (std::vector<int>{1, 2}));
  EXPECT_EQ(by_hand.workers[0].spec.env.count("MSRUN_CPU_LIST"), 0U);
}

}  // namespace
}  // namespace muster

// Expected values are typed from the contract of msrun's processes ("1.3 Environment") and of the
// dynamic cluster ("2.").
#include "launch/mindspore_env.h"

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace muster {
namespace {

using Env = std::map<std::string, std::string>;

MindSporeProcess Worker() {
  MindSporeProcess worker;
  worker.worker_num = 8;
  worker.sched_host = "10.0.0.1";
  worker.sched_port = 8118;
  worker.rank = 5;
  worker.node_id = "5";
  worker.device_id = 1;
  return worker;
}

TEST(MindSporeEnvTest, WorkerOfKnownRank) {
  EXPECT_EQ(MindSporeEnv(Worker()), (Env{{"RANK_SIZE", "8"},
                                         {"MS_WORKER_NUM", "8"},
                                         {"MS_SCHED_HOST", "10.0.0.1"},
                                         {"MS_SCHED_PORT", "8118"},
                                         {"MS_TOPO_TIMEOUT", "600"},
                                         {"MS_ROLE", "MS_WORKER"},
                                         {"RANK_ID", "5"},
                                         {"MS_NODE_ID", "5"},
                                         {"DEVICE_ID", "1"}}));
  EXPECT_TRUE(MindSporeLeftovers(Worker()).empty());
}

TEST(MindSporeEnvTest, SchedulerHasRankZeroAndNoNode) {
  MindSporeProcess scheduler = Worker();
  scheduler.role = MindSporeRole::kScheduler;
  scheduler.rank.reset();
  scheduler.node_id.reset();
  scheduler.device_id.reset();
  EXPECT_EQ(MindSporeEnv(scheduler), (Env{{"RANK_SIZE", "8"},
                                          {"MS_WORKER_NUM", "8"},
                                          {"MS_SCHED_HOST", "10.0.0.1"},
                                          {"MS_SCHED_PORT", "8118"},
                                          {"MS_TOPO_TIMEOUT", "600"},
                                          {"MS_ROLE", "MS_SCHED"},
                                          {"RANK_ID", "0"}}));
  EXPECT_EQ(MindSporeLeftovers(scheduler), std::vector<std::string>{"MS_NODE_ID"});
}

TEST(MindSporeEnvTest, WorkerOfAutomaticRankMustNotInheritOne) {
  MindSporeProcess worker = Worker();
  worker.rank.reset();
  worker.node_id.reset();
  const Env env = MindSporeEnv(worker);
  EXPECT_EQ(env.count("RANK_ID"), 0U);
  EXPECT_EQ(env.count("MS_NODE_ID"), 0U);
  EXPECT_EQ(env.at("DEVICE_ID"), "1");
  EXPECT_EQ(MindSporeLeftovers(worker), (std::vector<std::string>{"MS_NODE_ID", "RANK_ID"}));
}

TEST(MindSporeEnvTest, ADryRunRegistersNowhere) {
  MindSporeProcess worker = Worker();
  worker.sim_level = 1;
  worker.rank_size = 64;
  worker.node_id.reset();
  EXPECT_EQ(MindSporeEnv(worker), (Env{{"RANK_SIZE", "64"},
                                       {"MS_WORKER_NUM", "8"},
                                       {"MS_SIMULATION_LEVEL", "1"},
                                       {"RANK_ID", "5"},
                                       {"DEVICE_ID", "1"}}));
  EXPECT_EQ(MindSporeLeftovers(worker), (std::vector<std::string>{"MS_NODE_ID", "MS_ROLE"}));
}

TEST(MindSporeEnvTest, ParameterServersRecoveryTablesAndTls) {
  MindSporeProcess server = Worker();
  server.role = MindSporeRole::kServer;
  server.server_num = 2;
  server.recovery = true;
  server.recovery_path = "/r";
  server.rank_table_file = "table.json";
  server.tls_config = "/tls.json";
  const Env env = MindSporeEnv(server);
  EXPECT_EQ(env.at("MS_ROLE"), "MS_PSERVER");
  EXPECT_EQ(env.at("MS_SERVER_NUM"), "2");
  EXPECT_EQ(env.at("MS_ENABLE_RECOVERY"), "1");
  EXPECT_EQ(env.at("MS_RECOVERY_PATH"), "/r");
  EXPECT_EQ(env.at("RANK_TABLE_FILE"), "table.json");
  EXPECT_EQ(env.at("MUSTER_MS_TLS_CONFIG"), "/tls.json");
}

}  // namespace
}  // namespace muster

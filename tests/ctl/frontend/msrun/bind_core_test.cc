// Section 1.8 of the contract of msrun ("bind_core algorithm") and its row in 1.1.
#include "ctl/frontend/msrun/bind_core.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace muster {
namespace {

using Cpus = std::vector<std::vector<int>>;

CpuTopology Host(int cpus) {
  CpuTopology topology;
  for (int cpu = 0; cpu < cpus; ++cpu) topology.cpus.push_back(cpu);
  return topology;
}

BindCore Automatic() { return ParseBindCore("True").value; }
BindCore ByHand(const std::string& json) {
  const BindCoreParse parse = ParseBindCore(json);
  EXPECT_EQ(parse.error, "");
  return parse.value;
}

TEST(ParseBindCoreTest, TakesTrueAndFalseInAnyCase) {
  for (const char* text : {"True", "true", "TRUE"}) {
    EXPECT_EQ(ParseBindCore(text).value.kind, BindCore::Kind::kAutomatic) << text;
  }
  for (const char* text : {"False", "false"}) {
    EXPECT_EQ(ParseBindCore(text).value.kind, BindCore::Kind::kOff) << text;
  }
}

TEST(ParseBindCoreTest, TakesRangesOfEachDevice) {
  const BindCore bind = ByHand(R"({"device0": ["0-1", "4-4"], "device1": ["2-3"]})");
  EXPECT_EQ(bind.kind, BindCore::Kind::kByHand);
  const std::vector<std::pair<int, std::vector<int>>> expected = {{0, {0, 1, 4}}, {1, {2, 3}}};
  EXPECT_EQ(bind.devices, expected);
}

TEST(ParseBindCoreTest, SaysWhatTheOriginalSays) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"maybe",
       "Failed to parse json to dict. Json error: Expecting value: line 1 column 1 (char 0)"},
      {"{\"device0\": [\"0-1\"}",
       "Failed to parse json to dict. Json error: Expecting ',' delimiter: line 1 column 19 (char "
       "18)"},
      {"{'device0': 1}",
       "Failed to parse json to dict. Json error: Expecting property name enclosed in double "
       "quotes: line 1 column 2 (char 1)"},
      {"{} x", "Failed to parse json to dict. Json error: Extra data: line 1 column 4 (char 3)"},
      {R"({"dev0": ["0-1"]})", "Key 'dev0' must be in format 'deviceX' (X ≥ 0)."},
      {R"({"device0": ["0"]})", "CPU range '0' in '['0']' should be in format 'cpuidX-cpuidY'."},
      {R"({"device0": "0-1"})", "Value for 'device0':0-1 should be a list, but got <class 'str'>"},
      {"[1]", "Type of [1] should be bool or dict, but got <class 'str'>."},
  };
  for (const auto& [text, error] : cases) EXPECT_EQ(ParseBindCore(text).error, error) << text;
}

TEST(AssignCpusTest, SharesEquallyAndTheLastOneTakesTheRest) {
  EXPECT_EQ(AssignCpus(Automatic(), Host(7), 3).cpus, (Cpus{{0, 1}, {2, 3}, {4, 5, 6}}));
}

TEST(AssignCpusTest, FewerCpusThanWorkersBindNobody) {
  const CpuAssignment assignment = AssignCpus(Automatic(), Host(2), 4);
  EXPECT_EQ(assignment.cpus, Cpus(4));
  EXPECT_EQ(assignment.warnings,
            std::vector<std::string>{
                "Available CPUs is less than 1. Will not enable bind core feature: 2 CPUs for 4 "
                "workers."});
  EXPECT_EQ(assignment.error, "");
}

TEST(AssignCpusTest, TakesTheCpusOfTheDevicesNode) {
  CpuTopology topology = Host(8);
  topology.node_cpus = {{0, {0, 1, 2, 3}}, {1, {4, 5, 6, 7}}};
  topology.device_nodes = {{0, 1}, {1, 0}};
  EXPECT_EQ(AssignCpus(Automatic(), topology, 2).cpus, (Cpus{{4, 5, 6, 7}, {0, 1, 2, 3}}));
}

TEST(AssignCpusTest, TopsUpFromNodesWithoutDevices) {
  CpuTopology topology = Host(8);
  topology.node_cpus = {{0, {0, 1}}, {1, {2, 3}}, {2, {4, 5, 6, 7}}};
  topology.device_nodes = {{0, 0}, {1, 1}};
  EXPECT_EQ(AssignCpus(Automatic(), topology, 2).cpus, (Cpus{{0, 1, 4, 5}, {2, 3, 6, 7}}));
}

TEST(AssignCpusTest, VisibleDevicesSayWhichDeviceAWorkerHas) {
  CpuTopology topology = Host(4);
  topology.visible_devices = {2, 5};
  const CpuAssignment assignment =
      AssignCpus(ByHand(R"({"device2": ["0-1"], "device5": ["2-3"]})"), topology, 2);
  EXPECT_EQ(assignment.cpus, (Cpus{{0, 1}, {2, 3}}));
}

TEST(AssignCpusTest, AnEntryOfAnotherDeviceLeavesTheWorkerUnbound) {
  const CpuAssignment assignment =
      AssignCpus(ByHand(R"({"device1": ["0-1"], "device0": ["2-3"]})"), Host(4), 1);
  EXPECT_EQ(assignment.cpus, Cpus(1));
  EXPECT_EQ(assignment.warnings.size(), 1U);
}

TEST(AssignCpusTest, TooFewEntriesAndUnknownCpusAreRefused) {
  EXPECT_NE(AssignCpus(ByHand(R"({"device0": ["0-1"]})"), Host(4), 2).error, "");
  EXPECT_NE(AssignCpus(ByHand(R"({"device0": ["0-9"]})"), Host(4), 1).error, "");
}

TEST(CpuListTest, ReadsAndWritesLists) {
  EXPECT_EQ(ParseCpuList("0-3,8\n"), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(ParseCpuList("x"), std::nullopt);
  EXPECT_EQ(CpuListText({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(PythonList({0, 1}), "[0, 1]");
}

}  // namespace
}  // namespace muster

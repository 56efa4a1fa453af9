#include "agent/device/npu_smi.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

constexpr char kMapping[] =
    "\tNPU ID                         Chip ID                        Chip Logic ID"
    "                  Chip Name                     \n"
    "\t4                              0                              0"
    "                              Ascend 910B1\n"
    "\t4                              1                              -"
    "                              Mcu\n"
    "\t5                              0                              1"
    "                              Ascend 910B1\n";

TEST(NpuSmiTest, NumbersChipsByTheMappingNotByTheCard) {
  const auto facts = ParseNpuSmi(kMapping, "");
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(facts.at(0).model, "Ascend910B1");
  EXPECT_EQ(facts.at(1).model, "Ascend910B1");
}

TEST(NpuSmiTest, LeavesTheManagementControllerOut) {
  for (const auto& [number, facts] : ParseNpuSmi(kMapping, "")) EXPECT_NE(facts.model, "AscendMcu");
}

TEST(NpuSmiTest, PrefersThePhysicalNumberWhereTheToolTellsIt) {
  const auto facts = ParseNpuSmi(
      "NPU ID     Chip ID     Chip Logic ID     Chip Phy-ID     Chip Name\n"
      "8          0           0                 6               Ascend 910_9392\n",
      "");
  ASSERT_EQ(facts.count(6), 1u);
  EXPECT_EQ(facts.size(), 1u);
}

TEST(NpuSmiTest, JoinsBothRowsOfTheTableByCardAndChip) {
  const auto facts =
      ParseNpuSmi(kMapping,
                  "| 5     910B1     | Warning       | 93.0   34    0 / 0      |\n"
                  "| 0               | 0000:82:00.0  | 0      0 / 0  31 / 32768 |\n");
  EXPECT_EQ(facts.at(1).health, "Warning");
  EXPECT_EQ(facts.at(1).pci_address, "0000:82:00.0");
  EXPECT_EQ(facts.at(1).memory_bytes, int64_t{32768} << 20);
  EXPECT_EQ(facts.at(0).pci_address, "");
}

TEST(NpuSmiTest, PassesOverWhatItDoesNotUnderstand) {
  EXPECT_TRUE(ParseNpuSmi("dcmi module initialize failed. ret is -8005\n", "| a |\n||\n").empty());
}

}  // namespace
}  // namespace muster

#include "agent/task/sealed_file.h"

#include <string>

#include "absl/status/status.h"
#include "agent/task/state_counter.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

TEST(SealedFileTest, GivesBackWhatWasSealed) {
  const std::string bytes("a\nb\0c", 5);
  EXPECT_EQ(*Unseal("intent", Seal("intent", bytes)), bytes);
}

TEST(SealedFileTest, FindsEveryFlippedBit) {
  const std::string sealed = Seal("intent", "some bytes");
  for (size_t i = 0; i < sealed.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = sealed;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_TRUE(absl::IsDataLoss(Unseal("intent", damaged).status())) << i << "." << bit;
    }
  }
}

TEST(SealedFileTest, FindsEveryCut) {
  const std::string sealed = Seal("intent", "some bytes");
  for (size_t length = 0; length < sealed.size(); ++length) {
    EXPECT_TRUE(absl::IsDataLoss(Unseal("intent", sealed.substr(0, length)).status())) << length;
  }
}

TEST(SealedFileTest, RefusesAnotherKind) {
  EXPECT_TRUE(absl::IsDataLoss(Unseal("report", Seal("intent", "x")).status()));
}

TEST(StateCounterTest, IsZeroBeforeTheFirstWrite) {
  const TempTree tree;
  EXPECT_EQ(*ReadCounter(tree.Path("epoch")), 0);
}

TEST(StateCounterTest, KeepsItsValue) {
  const TempTree tree;
  ASSERT_TRUE(WriteCounter(tree.Path("epoch"), 41, /*durable=*/true).ok());
  ASSERT_TRUE(WriteCounter(tree.Path("epoch"), 42, /*durable=*/false).ok());
  EXPECT_EQ(*ReadCounter(tree.Path("epoch")), 42);
}

TEST(StateCounterTest, DamageIsNotGuessed) {
  const TempTree tree;
  tree.Write("epoch", "42\n");
  EXPECT_TRUE(absl::IsDataLoss(ReadCounter(tree.Path("epoch")).status()));
}

}  // namespace
}  // namespace muster

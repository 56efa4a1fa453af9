#include "agent/task/error_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

constexpr char kError[] = R"({"message": {"message": "RuntimeError: boom"}})";

// The second of two hosts, with ranks 2 and 3.
v1::StartGangRequest SecondHost(const std::string& contract) {
  v1::StartGangRequest request;
  request.mutable_spec()->set_contract(contract);
  request.mutable_spec()->add_roles()->set_name("worker");
  request.set_node_rank(1);
  for (int node = 0; node < 2; ++node) {
    v1::NodePlacement* const placement = request.mutable_placement()->add_nodes();
    for (int i = 0; i < 2; ++i) {
      v1::RankPlacement* const rank = placement->add_ranks();
      rank->set_role("worker");
      rank->set_rank(node * 2 + i);
    }
  }
  return request;
}

TEST(ErrorFileTest, ReadsTheFileOfTheGlobalRank) {
  TempTree gang;
  gang.Write("torch-error-3.json", kError);
  EXPECT_EQ(ReadRankError(SecondHost("torch"), gang.root(), 1), "RuntimeError: boom");
  EXPECT_EQ(ReadRankError(SecondHost("torch"), gang.root(), 0), "");
  EXPECT_EQ(ReadRankError(SecondHost("torch"), gang.root(), 7), "");
}

TEST(ErrorFileTest, OtherContractsHaveNone) {
  TempTree gang;
  gang.Write("torch-error-3.json", kError);
  EXPECT_EQ(ReadRankError(SecondHost("plain"), gang.root(), 1), "");
}

TEST(ErrorFileTest, ARankCannotHoldTheAgentUpOrHaveItReadOtherFiles) {
  TempTree gang;
  ASSERT_EQ(mkfifo(gang.Path("torch-error-2.json").c_str(), 0600), 0);
  EXPECT_EQ(ReadRankError(SecondHost("torch"), gang.root(), 0), "");
  const std::string secret = gang.Write("secret", kError);
  ASSERT_EQ(symlink(secret.c_str(), gang.Path("torch-error-3.json").c_str()), 0);
  EXPECT_EQ(ReadRankError(SecondHost("torch"), gang.root(), 1), "");
}

TEST(ErrorFileTest, AFileOfImmoderateSizeIsLeftAlone) {
  TempTree gang;
  gang.Write("torch-error-3.json", std::string(300 << 10, ' ') + kError);
  EXPECT_EQ(ReadRankError(SecondHost("torch"), gang.root(), 1), "");
}

}  // namespace
}  // namespace muster

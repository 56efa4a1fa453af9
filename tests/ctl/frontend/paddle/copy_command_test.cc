// Typed from paddle.md, section 2.1, the block of the automatic master; with quotes, as decided.
#include "ctl/frontend/paddle/copy_command.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(CopyCommandTest, PutsTheMasterInAndQuotes) {
  FrontendCall call;
  call.program = "msctl paddle-launch";
  call.words = {"--nnodes", "2", "train.py", "two words", "it's", ""};
  const std::string rule(80, '-');
  EXPECT_EQ(CopyCommandBlock(call, "10.0.0.1:38714"),
            "Copy the following command to other nodes to run.\n" + rule +
                "\nmsctl paddle-launch --master 10.0.0.1:38714 --nnodes 2 train.py 'two words' "
                "'it'\"'\"'s' ''\n" +
                rule + "\n");
}

}  // namespace
}  // namespace muster

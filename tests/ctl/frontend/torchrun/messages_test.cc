#include "ctl/frontend/torchrun/messages.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(TorchrunMessagesTest, AHelloArrivesAsItWas) {
  NodeMessage message;
  message.kind = NodeMessage::Kind::kHello;
  message.facts = {"id = 1\n", "c10d", 1, 4, -1, 8, "trainer", "hôst"};
  const std::optional<NodeMessage> read = DecodeNodeMessage(Encode(message));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, NodeMessage::Kind::kHello);
  EXPECT_EQ(read->facts.run_id, "id = 1\n");
  EXPECT_EQ(read->facts.max_nodes, 4);
  EXPECT_EQ(read->facts.node_rank, -1);
  EXPECT_EQ(read->facts.nproc, 8);
  EXPECT_EQ(read->facts.role, "trainer");
  EXPECT_EQ(read->facts.host, "hôst");
}

TEST(TorchrunMessagesTest, AFailureArrivesAsItWas) {
  LeaderMessage message;
  message.kind = LeaderMessage::Kind::kFail;
  message.text = "rank 1 failed";
  message.failure = WorkerFailure{3, 1, -9, 4711, 1700000000, "b", "/e.json", "a\n  b = \"c\"\\"};
  const std::optional<LeaderMessage> read = DecodeLeaderMessage(Encode(message));
  ASSERT_TRUE(read);
  ASSERT_TRUE(read->failure);
  EXPECT_EQ(read->failure->exit_code, -9);
  EXPECT_EQ(read->failure->unix_time, 1700000000);
  EXPECT_EQ(read->failure->message, "a\n  b = \"c\"\\");
  EXPECT_EQ(read->text, "rank 1 failed");
}

TEST(TorchrunMessagesTest, AWorldArrivesAsItWas) {
  LeaderMessage message;
  message.kind = LeaderMessage::Kind::kWorld;
  message.round = 3;
  message.place = {1, 2, 3, 4, 12, 4, 12, "addr", 29501};
  const std::optional<LeaderMessage> read = DecodeLeaderMessage(Encode(message));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->round, 3);
  EXPECT_EQ(read->place.restart_count, 1);
  EXPECT_EQ(read->place.first_rank, 4);
  EXPECT_EQ(read->place.world_size, 12);
  EXPECT_EQ(read->place.master_addr, "addr");
  EXPECT_EQ(read->place.master_port, 29501);
  EXPECT_FALSE(read->failure);
}

TEST(TorchrunMessagesTest, WhatIsNoMessageIsNone) {
  const std::string leader = Encode(LeaderMessage());
  for (const std::string& bytes :
       {std::string(), std::string("GET / HTTP/1.1\r\n"), std::string("muster-torchrun-node 2\n"),
        std::string("muster-torchrun-node 1\nkind=99\n"),
        std::string("muster-torchrun-node 1\nkind=x\n"),
        std::string("muster-torchrun-node 1\nkind=0\ntext=\\\n"), leader}) {
    EXPECT_FALSE(DecodeNodeMessage(bytes)) << bytes;
  }
  EXPECT_FALSE(DecodeLeaderMessage(Encode(NodeMessage())));
}

}  // namespace
}  // namespace muster

#include "common/job/node_list.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster {
namespace {

std::vector<int> Listed(const std::string& text, int num_nodes) {
  const absl::StatusOr<NodeList> list = NodeList::Parse(text);
  EXPECT_TRUE(list.ok()) << text << ": " << list.status();
  std::vector<int> nodes;
  for (int node = 0; list.ok() && node < num_nodes; ++node) {
    if (list->Has(node)) nodes.push_back(node);
  }
  EXPECT_EQ(list->CountAmong(num_nodes), static_cast<int>(nodes.size())) << text;
  return nodes;
}

TEST(NodeListTest, ReadsSingleHostsRangesAndAnOpenEnd) {
  using Nodes = std::vector<int>;
  EXPECT_EQ(Listed("", 3), (Nodes{0, 1, 2}));
  EXPECT_EQ(Listed("1", 3), (Nodes{1}));
  EXPECT_EQ(Listed("0-1,3", 5), (Nodes{0, 1, 3}));
  EXPECT_EQ(Listed("0,2-", 5), (Nodes{0, 2, 3, 4}));
  EXPECT_EQ(Listed("2-3", 3), (Nodes{2})) << "a smaller job has fewer of them";
  EXPECT_EQ(Listed("2-3", 1), (Nodes{}));
  EXPECT_EQ(Listed("0-2147483645", 2), (Nodes{0, 1}));
}

TEST(NodeListTest, KnowsTheHighestHostThatIsNamed) {
  EXPECT_EQ(NodeList().HighestNamed(), 0);
  EXPECT_EQ(NodeList::Parse("0-1,3")->HighestNamed(), 3);
  EXPECT_EQ(NodeList::Parse("0,2-")->HighestNamed(), 2);
}

TEST(NodeListTest, RefusesWhatIsNoList) {
  for (const char* text : {"a", "-1", "-", "1,", ",1", "1--2", "1-2-3", " 1", "+1", "0x1", "1;2",
                           "99999999999", "0-2147483647", "all"}) {
    EXPECT_FALSE(NodeList::Parse(text).ok()) << text;
  }
  for (const char* text : {"1,1", "3-2", "2,0", "0-2,2", "1-,2", "1-,2-"}) {
    EXPECT_NE(NodeList::Parse(text).status().message().find("do not ascend"), std::string::npos)
        << text;
  }
}

TEST(NodeListTest, WritesTheShortestForm) {
  EXPECT_EQ(NodeList::Write({0, 1, 2, 4}), "0-2,4");
  EXPECT_EQ(NodeList::Write({3}), "3");
}

}  // namespace
}  // namespace muster

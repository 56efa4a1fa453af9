#include "common/base/protocol.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(ProtocolTest, ReadsWhatItWrites) {
  ProtocolVersion read;
  ASSERT_TRUE(ParseProtocol(ToString({3, 14}), &read));
  EXPECT_EQ(read.major, 3);
  EXPECT_EQ(read.minor, 14);
}

TEST(ProtocolTest, WhatIsNoVersionChangesNothing) {
  ProtocolVersion read{7, 8};
  for (const char* text : {"", "1", "1.", ".1", "1.2.3", "one.two", "1.2 "}) {
    EXPECT_FALSE(ParseProtocol(text, &read)) << text;
  }
  EXPECT_EQ(ToString(read), "7.8");
}

TEST(ProtocolTest, ThisBuildSpeaksItsNewestMinor) {
  EXPECT_EQ(OwnProtocol().major, kProtocolMajor);
  EXPECT_EQ(OwnProtocol().minor, kNewestMinor);
}

}  // namespace
}  // namespace muster

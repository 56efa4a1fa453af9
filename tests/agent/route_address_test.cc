#include "agent/route_address.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(RouteAddressTest, IsTheOneThatThePeerSees) {
  EXPECT_EQ(*AddressTowards("127.0.0.1:7070"), "127.0.0.1");
  EXPECT_EQ(*AddressTowards("127.9.9.9:7070"), "127.0.0.1");
  EXPECT_EQ(*AddressTowards("localhost:7070"), *AddressTowards("localhost:1"));
}

TEST(RouteAddressTest, SaysWhyThereIsNone) {
  const absl::StatusOr<std::string> address = AddressTowards("no.such.host.invalid:1");
  EXPECT_TRUE(absl::IsUnavailable(address.status())) << address.status();
}

TEST(RouteAddressTest, TellsNamesFromAddresses) {
  EXPECT_FALSE(NeedsLookup(""));
  EXPECT_FALSE(NeedsLookup("10.0.0.1:7070"));
  EXPECT_FALSE(NeedsLookup("[::1]:7070"));
  EXPECT_TRUE(NeedsLookup("localhost:7070"));
  EXPECT_TRUE(NeedsLookup("head.example:7070"));
}

}  // namespace
}  // namespace muster

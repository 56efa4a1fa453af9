#include "ctl/frontend/msrun/host_facts.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(HostFactsTest, ResolvesAddressesAsTheyStand) {
  EXPECT_EQ(ResolveMaster("10.1.2.3").value(), "10.1.2.3");
  EXPECT_EQ(ResolveMaster("").value(), "0.0.0.0");
}

// Section 1.1 of msrun's contract: IPv6 fails as an unknown name does.
TEST(HostFactsTest, RefusesIpv6InTheOriginalsWords) {
  const absl::Status status = ResolveMaster("::1").status();
  EXPECT_TRUE(
      absl::StartsWith(status.message(), "RuntimeError: DNS resolution failed: [Errno -9] "))
      << status;
}

TEST(HostFactsTest, TheSourceAddressOfLoopbackIsLoopback) {
  EXPECT_EQ(SourceAddress("127.0.0.1").value(), "127.0.0.1");
  EXPECT_EQ(InterfaceAddresses().count("127.0.0.1"), 1U);
  EXPECT_EQ(InterfaceAddresses().count("127.0.0.2"), 0U);
}

TEST(HostFactsTest, KnowsTheCpusOfThisHost) {
  const CpuTopology topology = ReadCpuTopology({}, /*devices=*/false);
  EXPECT_FALSE(topology.cpus.empty());
  EXPECT_TRUE(topology.device_nodes.empty());
}

}  // namespace
}  // namespace muster

#include "agent/device/ledger.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>
#include <string>
#include <utility>

#include "agent/device/ports.h"
#include "common/base/unique_fd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kTtl = absl::Seconds(30);
const Ledger::Holder kFirst("digits-1", 0);
const Ledger::Holder kSecond("digits-2", 0);

v1::DeviceId Gpu(int physical) {
  v1::DeviceId id;
  id.set_kind("nvidia");
  id.set_physical(physical);
  return id;
}

std::vector<v1::Device> Gpus(int count) {
  std::vector<v1::Device> devices;
  for (int physical = 0; physical < count; ++physical) {
    v1::Device device;
    device.set_kind("nvidia");
    device.set_physical(physical);
    device.set_healthy(true);
    devices.push_back(device);
  }
  return devices;
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    options_.first_port = 100;
    options_.last_port = 109;
    options_.port_is_free = [this](int port) { return busy_.count(port) == 0; };
    options_.fixed_port_is_free = options_.port_is_free;
    options_.ephemeral_range_file = "";
  }
  Ledger Make(int gpus) { return Ledger(options_, Gpus(gpus), &clock_); }

  FakeClock clock_;
  std::set<int> busy_;
  Ledger::Options options_;
};

TEST_F(LedgerTest, GivesEachRankItsOwnPorts) {
  Ledger ledger = Make(2);
  const auto ports = ledger.Reserve(kFirst, {Gpu(0)}, {2, 0, 1}, kTtl);
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_THAT(*ports, ElementsAre(ElementsAre(100u, 101u), ElementsAre(), ElementsAre(102u)));
}

TEST_F(LedgerTest, GivesTheSameHolderTheSameAnswerAndANewTtl) {
  Ledger ledger = Make(2);
  const auto first = ledger.Reserve(kFirst, {Gpu(0)}, {1}, kTtl);
  clock_.Advance(kTtl - absl::Seconds(1));
  const auto again = ledger.Reserve(kFirst, {Gpu(0)}, {1}, kTtl);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(*first, *again);
  clock_.Advance(kTtl - absl::Seconds(1));
  EXPECT_TRUE(ledger.Commit(kFirst).ok());
}

TEST_F(LedgerTest, NamesTheHolderOfEachDeviceThatIsTaken) {
  Ledger ledger = Make(4);
  ASSERT_TRUE(ledger.Reserve(kFirst, {Gpu(0), Gpu(1)}, {}, kTtl).ok());
  const absl::Status refused = ledger.Reserve(kSecond, {Gpu(1), Gpu(2), Gpu(9)}, {}, kTtl).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message(),
            "nvidia 1 is held by job digits-1 attempt 0, nvidia 9 is not on this host");
}

TEST_F(LedgerTest, HoldsNothingAfterARefusal) {
  Ledger ledger = Make(2);
  ASSERT_TRUE(ledger.Reserve(kFirst, {Gpu(0)}, {}, kTtl).ok());
  EXPECT_FALSE(ledger.Reserve(kSecond, {Gpu(1), Gpu(0)}, {1}, kTtl).ok());
  EXPECT_EQ(ledger.FreeDevices().size(), 1u);
}

TEST_F(LedgerTest, LetsALeaseLapseThatNobodyCommitted) {
  Ledger ledger = Make(1);
  ASSERT_TRUE(ledger.Reserve(kFirst, {Gpu(0)}, {}, kTtl).ok());
  clock_.Advance(kTtl);
  EXPECT_EQ(ledger.Commit(kFirst).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(ledger.Reserve(kSecond, {Gpu(0)}, {}, kTtl).ok());
}

TEST_F(LedgerTest, KeepsACommittedHoldUntilItIsReleased) {
  Ledger ledger = Make(1);
  ASSERT_TRUE(ledger.Reserve(kFirst, {Gpu(0)}, {}, kTtl).ok());
  ASSERT_TRUE(ledger.Commit(kFirst).ok());
  ASSERT_TRUE(ledger.Commit(kFirst).ok());
  clock_.Advance(absl::Hours(24));
  ASSERT_TRUE(ledger.Reserve(kFirst, {Gpu(0)}, {}, kTtl).ok());  // Turns it into no lease.
  clock_.Advance(absl::Hours(24));
  EXPECT_FALSE(ledger.Reserve(kSecond, {Gpu(0)}, {}, kTtl).ok());
  ledger.Release(kFirst);
  EXPECT_TRUE(ledger.Reserve(kSecond, {Gpu(0)}, {}, kTtl).ok());
}

TEST_F(LedgerTest, TakesReleasesOfUnknownHolders) {
  Ledger ledger = Make(1);
  ledger.Release(kSecond);
  EXPECT_EQ(ledger.FreeDevices().size(), 1u);
}

TEST_F(LedgerTest, TellsAttemptsOfOneJobApart) {
  Ledger ledger = Make(1);
  ASSERT_TRUE(ledger.Reserve({"digits-1", 0}, {Gpu(0)}, {}, kTtl).ok());
  EXPECT_FALSE(ledger.Reserve({"digits-1", 1}, {Gpu(0)}, {}, kTtl).ok());
}

TEST_F(LedgerTest, RefusesADeviceNamedTwice) {
  Ledger ledger = Make(1);
  EXPECT_EQ(ledger.Reserve(kFirst, {Gpu(0), Gpu(0)}, {}, kTtl).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(LedgerTest, RefusesAnUnhealthyDeviceWithItsReason) {
  std::vector<v1::Device> devices = Gpus(2);
  devices[0].set_healthy(false);
  devices[0].set_health_reason("NVML: GPU is lost");
  Ledger ledger = Make(2);
  ledger.SetDevices(devices);
  EXPECT_EQ(ledger.Reserve(kFirst, {Gpu(0)}, {}, kTtl).status().message(),
            "nvidia 0 is unhealthy (NVML: GPU is lost)");
  ASSERT_EQ(ledger.FreeDevices().size(), 1u);
  EXPECT_EQ(ledger.FreeDevices()[0].physical(), 1);
}

TEST_F(LedgerTest, KeepsHoldsWhenTheDevicesAreProbedAgain) {
  Ledger ledger = Make(2);
  ASSERT_TRUE(ledger.Reserve(kFirst, {Gpu(0)}, {}, kTtl).ok());
  ledger.SetDevices(Gpus(2));
  EXPECT_FALSE(ledger.Reserve(kSecond, {Gpu(0)}, {}, kTtl).ok());
}

TEST_F(LedgerTest, TakesBackWhatARunningGangHolds) {
  Ledger ledger = Make(2);
  ledger.Adopt(kFirst, {Gpu(1)}, {100, 102});
  clock_.Advance(absl::Hours(1));
  ASSERT_EQ(ledger.FreeDevices().size(), 1u);
  const auto ports = ledger.Reserve(kSecond, {Gpu(0)}, {2}, kTtl);
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_THAT(*ports, ElementsAre(ElementsAre(101u, 103u)));
}

TEST_F(LedgerTest, SkipsPortsThatAreInUse) {
  busy_ = {100, 102};
  Ledger ledger = Make(0);
  const auto ports = ledger.Reserve(kFirst, {}, {1, 1}, kTtl);
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_THAT(*ports, ElementsAre(ElementsAre(101u), ElementsAre(103u)));
}

TEST_F(LedgerTest, LetsAPortRestBeforeItIsGivenOutAgain) {
  Ledger ledger = Make(0);
  ASSERT_TRUE(ledger.Reserve(kFirst, {}, {1}, kTtl).ok());
  ledger.Release(kFirst);
  const auto ports = ledger.Reserve(kSecond, {}, {1}, kTtl);
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_THAT(*ports, ElementsAre(ElementsAre(101u)));
}

TEST_F(LedgerTest, SaysHowManyPortsAreShort) {
  busy_ = {100};
  Ledger ledger = Make(0);
  ASSERT_TRUE(ledger.Reserve(kFirst, {}, {4}, kTtl).ok());
  const absl::Status refused = ledger.Reserve(kSecond, {}, {6}, kTtl).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message(), "ports 100-109: 6 wanted, 5 free, 4 held by other jobs");
  EXPECT_TRUE(ledger.Reserve(kSecond, {}, {5}, kTtl).ok());
}

TEST_F(LedgerTest, HoldsThePortsThatAJobNames) {
  Ledger ledger = Make(0);
  const auto ports = ledger.Reserve(kFirst, {}, {2}, kTtl, {101, 8118});
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_THAT(*ports, ElementsAre(ElementsAre(100u, 102u)));
  const absl::Status refused = ledger.Reserve(kSecond, {}, {}, kTtl, {8118, 102}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message(),
            "port 8118 is held by job digits-1 attempt 0, port 102 is held by job digits-1 "
            "attempt 0");
  ledger.Release(kFirst);
  EXPECT_TRUE(ledger.Reserve(kSecond, {}, {}, kTtl, {8118}).ok());
}

TEST_F(LedgerTest, APortThatIsNamedMayBeInUseByOthers) {
  options_.fixed_port_is_free = [](int port) { return port != 8118; };
  Ledger ledger = Make(1);
  const absl::Status refused = ledger.Reserve(kFirst, {Gpu(0)}, {1}, kTtl, {8118}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.message(), "port 8118 is in use by a process of no job");
  EXPECT_EQ(ledger.FreeDevices().size(), 1u);
  EXPECT_EQ(ledger.Reserve(kFirst, {}, {}, kTtl, {65536}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(LedgerTest, RefusesANegativeCount) {
  Ledger ledger = Make(0);
  EXPECT_EQ(ledger.Reserve(kFirst, {}, {-1}, kTtl).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// A loopback listener of IPv4 that insists on its port as servers do; `port` 0: a free one.
UniqueFd Listen(int port, int* bound) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(fd.get(), 1), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  *bound = ntohs(address.sin_port);
  return fd;
}

TEST(PortsTest, APortThatOnlyRestsMayBeInsistedOn) {
  int port = 0;
  UniqueFd listener = Listen(0, &port);
  EXPECT_FALSE(NobodyListens(port));
  UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  UniqueFd server(accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(server.valid());
  server.reset();  // First: its end of the connection is in TIME_WAIT soon.
  char byte = 0;
  EXPECT_EQ(read(client.get(), &byte, 1), 0);
  client.reset();
  listener.reset();
  EXPECT_FALSE(PortIsFree(port));
  EXPECT_TRUE(NobodyListens(port));
}

TEST(PortsTest, SeesALiveListenerOnLoopback) {
  for (const int family : {AF_INET, AF_INET6}) {
    UniqueFd listener(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener.valid()) continue;  // A host without IPv6.
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&address);
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address);
    if (family == AF_INET) v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) v6->sin6_addr = in6addr_loopback;
    socklen_t size = sizeof(address);
    if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) continue;
    ASSERT_EQ(listen(listener.get(), 1), 0);
    ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const int port = ntohs(family == AF_INET ? v4->sin_port : v6->sin6_port);
    EXPECT_FALSE(PortIsFree(port));
    listener.reset();
    EXPECT_TRUE(PortIsFree(port));
  }
}

TEST(PortsTest, TakesTheLargerPartOutsideTheEphemeralRange) {
  const struct {
    const char* ephemeral;
    int first;
    int last;
  } kCases[] = {
      {"32768\t60999\n", 20000, 31999},  // The kernel's default: no overlap.
      {"25000 60999", 20000, 24999},
      {"10000 25000", 25001, 31999},
      {"22000 28000", 28001, 31999},
      {"1024 65535", 20000, 31999},   // No room is left: the whole range, as asked.
      {"20500 31500", 20000, 31999},  // 500 and 499 are not enough.
      {"", 20000, 31999},
      {"what?", 20000, 31999},
  };
  for (const auto& test : kCases) {
    const PortRange range = OutsideEphemeral({20000, 31999}, test.ephemeral, 1000);
    EXPECT_EQ(range.first, test.first) << test.ephemeral;
    EXPECT_EQ(range.last, test.last) << test.ephemeral;
  }
}

}  // namespace
}  // namespace muster

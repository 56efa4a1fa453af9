#include "ctl/client/address.h"

#include <map>

#include "common/rpc/error_details.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

EnvLookup Env(std::map<std::string, std::string> env) {
  return [env](const std::string& name) {
    const auto it = env.find(name);
    return it == env.end() ? std::string() : it->second;
  };
}

TEST(AddressTest, TheFlagComesBeforeTheEnvironment) {
  EXPECT_EQ(ResolveAddress("unix:/a", Env({{"MSCTL_ADDRESS", "unix:/b"}})), "unix:/a");
  EXPECT_EQ(ResolveAddress("", Env({{"MSCTL_ADDRESS", "unix:/b"}})), "unix:/b");
}

TEST(AddressTest, TheHostsSocketIsTheDefault) {
  EXPECT_EQ(ResolveAddress("", Env({})), "unix:/run/muster/agent.sock");
}

TEST(AddressTest, AMissingSocketIsToldAtOnceWithWhatToDo) {
  const absl::Status status = ProbeAddress("unix:/nonexistent/agent.sock");
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(status.message(),
            "no agent answers at unix:/nonexistent/agent.sock (No such file or directory)");
  EXPECT_EQ(DetailsOf(status).errors(0).hint(),
            "start one with 'msagentd', or use 'msctl run --local'");
}

TEST(AddressTest, AFileThatIsNoSocketIsNoAgent) {
  EXPECT_TRUE(absl::IsUnavailable(ProbeAddress("unix:/dev/null")));
}

TEST(AddressTest, SaysWhenAPathIsTooLongForASocket) {
  const absl::Status status = ProbeAddress("unix:/" + std::string(200, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
}

TEST(AddressTest, RefusesWhatIsNoAddress) {
  EXPECT_TRUE(absl::IsInvalidArgument(ProbeAddress("somewhere")));
}

}  // namespace
}  // namespace muster

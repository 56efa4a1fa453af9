// Real handshakes over loopback, with certificates that the openssl program makes for each run.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "common/rpc/deadline.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "muster/v1/node_service.grpc.pb.h"
#include "tests/fakes/temp_tree.h"
#include "tests/fakes/test_ca.h"

// c-ares, inside Debian's gRPC, keeps the name servers that it has read.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:ares_strdup\n"; }

namespace muster {
namespace {

// Serves a service without methods of its own under mutual TLS on a port of the kernel's choice.
class MutualTlsTest : public testing::Test {
 protected:
  MutualTlsTest() : ca_(tree_, "ca"), other_ca_(tree_, "other") {
    grpc::ServerBuilder builder;
    TuneServer(&builder);
    auto credentials = MakeServerCredentials("127.0.0.1:0", ca_.Issue("server", ca_));
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", *credentials, &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    EXPECT_NE(server_, nullptr);
    address_ = absl::StrCat("localhost:", port);
  }
  ~MutualTlsTest() override { server_->Shutdown(DeadlineAfter(absl::Seconds(1))); }

  // The status of a call: UNIMPLEMENTED, the service's own word, when it got through.
  grpc::StatusCode CallWith(const SecurityOptions& security) {
    const auto channel = MakeChannel(address_, security);
    EXPECT_TRUE(channel.ok()) << channel.status();
    grpc::ClientContext context;
    SetTimeout(&context, absl::Seconds(5));
    v1::ListNodesResponse response;
    return v1::NodeService::NewStub(*channel)
        ->ListNodes(&context, v1::ListNodesRequest(), &response)
        .error_code();
  }

  TempTree tree_;
  TestCa ca_;
  TestCa other_ca_;
  v1::NodeService::CallbackService service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

TEST_F(MutualTlsTest, LetsAClientOfTheSameAuthorityIn) {
  EXPECT_EQ(CallWith(ca_.Issue("client", ca_)), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(MutualTlsTest, KeepsAClientOfAnotherAuthorityOut) {
  EXPECT_EQ(CallWith(other_ca_.Issue("stranger", ca_)), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(MutualTlsTest, IsNotTrustedByAClientOfAnotherAuthority) {
  EXPECT_EQ(CallWith(ca_.Issue("client", other_ca_)), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(MutualTlsTest, KeepsAClientWithoutTlsOut) {
  SecurityOptions insecure;
  insecure.insecure = true;
  EXPECT_EQ(CallWith(insecure), grpc::StatusCode::UNAVAILABLE);
}

// The scheduler of a large cluster has thousands of channels, and one thread that looks at its
// files.
TEST_F(MutualTlsTest, ManyChannelsShareTheThreadThatWatchesTheFiles) {
  const SecurityOptions security = ca_.Issue("client", ca_);
  EXPECT_EQ(CallWith(security), grpc::StatusCode::UNIMPLEMENTED);
  const size_t before = ListDir("/proc/self/task").value().size();
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 50; ++i) channels.push_back(MakeFreshChannel(address_, security).value());
  EXPECT_LT(ListDir("/proc/self/task").value().size(), before + 10);
}

}  // namespace
}  // namespace muster

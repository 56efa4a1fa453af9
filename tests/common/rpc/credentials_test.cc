#include "common/rpc/credentials.h"

#include <sys/stat.h>

#include <string>

#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

SecurityOptions Insecure() {
  SecurityOptions security;
  security.insecure = true;
  return security;
}

TEST(CredentialsTest, TakesUnixSocketsWithoutTls) {
  EXPECT_TRUE(MakeServerCredentials("unix:/run/x.sock", {}).ok());
  EXPECT_TRUE(MakeChannelCredentials("unix:/run/x.sock", {}).ok());
  EXPECT_TRUE(CheckSecurity("unix:/run/x.sock", Insecure()).ok());
}

TEST(CredentialsTest, RefusesPlainTcp) {
  const absl::Status status = CheckSecurity("10.0.0.1:7070", {});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(),
            "address '10.0.0.1:7070': TCP needs mutual TLS; give --tls_cert, --tls_key and "
            "--tls_ca");
}

TEST(CredentialsTest, RefusesPlainTcpOnLoopbackWithoutTheWord) {
  EXPECT_EQ(CheckSecurity("127.0.0.1:7070", {}).message(),
            "address '127.0.0.1:7070': TCP needs mutual TLS; give --tls_cert, --tls_key and "
            "--tls_ca, or --insecure on this loopback address");
}

TEST(CredentialsTest, TakesInsecureOnLoopbackOnly) {
  for (const char* loopback : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(CheckSecurity(loopback, Insecure()).ok()) << loopback;
  }
  for (const char* open :
       {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "node-1:1", "localhost.evil:1", "127.0.0.1.evil:1"}) {
    EXPECT_EQ(CheckSecurity(open, Insecure()).code(), absl::StatusCode::kFailedPrecondition)
        << open;
  }
}

TEST(CredentialsTest, RefusesAddressesThatAreNone) {
  for (const char* address : {"", "host", "host:", ":7070", "host:99999", "host:x", "::1:7070",
                              "unix:", "unix:relative.sock"}) {
    EXPECT_EQ(CheckAddress(address).code(), absl::StatusCode::kInvalidArgument) << address;
  }
  EXPECT_FALSE(CheckAddress("unix:/" + std::string(107, 'x')).ok());
}

TEST(CredentialsTest, WantsAllThreeFiles) {
  SecurityOptions security;
  security.tls_cert = "/cert.pem";
  EXPECT_EQ(CheckSecurity("node-1:7070", security).message(),
            "mutual TLS needs all of --tls_cert, --tls_key and --tls_ca");
}

TEST(CredentialsTest, NamesTheFileThatIsMissingOrOpenToAll) {
  TempTree tree;
  SecurityOptions security{tree.Path("cert"), tree.Path("key"), tree.Path("ca")};
  EXPECT_EQ(CheckSecurity("node-1:7070", security).message(),
            "--tls_cert " + tree.Path("cert") + ": No such file or directory");
  for (const char* name : {"cert", "key", "ca"}) ASSERT_TRUE(WriteFile(tree.Path(name), "x").ok());
  EXPECT_TRUE(CheckSecurity("node-1:7070", security).ok());
  ASSERT_EQ(chmod(tree.Path("key").c_str(), 0644), 0);
  EXPECT_EQ(
      CheckSecurity("node-1:7070", security).message(),
      "--tls_key " + tree.Path("key") + ": every user can read this private key; chmod 600 it");
}

}  // namespace
}  // namespace muster

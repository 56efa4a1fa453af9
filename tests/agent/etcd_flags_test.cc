#include "agent/etcd_flags.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using Members = std::vector<std::string>;

class EtcdFlagsTest : public testing::Test {
 protected:
  // Files that are there; what they hold is looked at elsewhere.
  SecurityOptions FilesNamed(const std::string& name) {
    return {tree_.Write(name + ".pem", "x"), tree_.Write(name + ".key", "x", 0600),
            tree_.Write(name + "-ca.pem", "x")};
  }
  static EtcdFlags Flags(const std::string& members, const SecurityOptions& files = {}) {
    EtcdFlags flags;
    flags.members = members;
    flags.files = files;
    return flags;
  }
  static std::string Refusal(const EtcdFlags& flags, const SecurityOptions& own = {}) {
    const absl::StatusOr<EtcdCluster> cluster = ParseEtcdFlags(flags, own);
    EXPECT_FALSE(cluster.ok());
    return std::string(cluster.status().message());
  }

  TempTree tree_;
};

TEST_F(EtcdFlagsTest, TakesTheAgentsOwnFilesWhereNoneAreGivenForEtcd) {
  const SecurityOptions own = FilesNamed("own");
  SecurityOptions files;
  files.tls_ca = tree_.Write("etcd-ca.pem", "x");
  const absl::StatusOr<EtcdCluster> cluster = ParseEtcdFlags(Flags("a:1,b:2", files), own);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(cluster->members, (Members{"a:1", "b:2"}));
  EXPECT_EQ(cluster->security.tls_cert, own.tls_cert);
  EXPECT_EQ(cluster->security.tls_key, own.tls_key);
  EXPECT_EQ(cluster->security.tls_ca, files.tls_ca);
}

TEST_F(EtcdFlagsTest, TalksPlainTextOnlyToWhoeverIsSaidToHaveNoTls) {
  const SecurityOptions own = FilesNamed("own");
  EtcdFlags empty_ca = Flags("a:1");
  empty_ca.no_ca = true;
  for (const EtcdFlags& flags : {empty_ca, Flags("http://a:1/")}) {
    const absl::StatusOr<EtcdCluster> cluster = ParseEtcdFlags(flags, own);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    EXPECT_EQ(cluster->members, Members{"a:1"});
    EXPECT_TRUE(cluster->security.tls_cert.empty());
  }
  SecurityOptions insecure;
  insecure.insecure = true;
  EXPECT_TRUE(ParseEtcdFlags(Flags("127.0.0.1:2379"), insecure).ok());
  EXPECT_EQ(Refusal(Flags("a:1")),
            "--etcd: address 'a:1': TCP needs mutual TLS; give --tls_cert, --tls_key and --tls_ca; "
            "for an etcd without TLS write http://");
}

TEST_F(EtcdFlagsTest, WantsTlsWhereHttpsIsWritten) {
  const SecurityOptions own = FilesNamed("own");
  EXPECT_EQ(ParseEtcdFlags(Flags("https://a:1, https://b:2/"), own)->members,
            (Members{"a:1", "b:2"}));
  EXPECT_EQ(Refusal(Flags("https://127.0.0.1:2379")),
            "--etcd: TLS needs a certificate, its key and an authority; give --etcd_cert, "
            "--etcd_key and --etcd_ca, or --tls_cert, --tls_key and --tls_ca");
}

TEST_F(EtcdFlagsTest, RefusesWhatContradictsItself) {
  const SecurityOptions own = FilesNamed("own");
  EXPECT_EQ(Refusal(Flags("http://a:1,https://b:2"), own),
            "--etcd=http://a:1,https://b:2: all members begin with https://, or all with http://, "
            "or none with either");
  EXPECT_EQ(Refusal(Flags("http://a:1", own)),
            "--etcd=http:// with --etcd_cert, --etcd_key or --etcd_ca: plain text to etcd, or TLS; "
            "leave one of them out");
  EtcdFlags https = Flags("https://a:1");
  https.no_ca = true;
  EXPECT_EQ(Refusal(https, own),
            "an empty --etcd_ca with https://: plain text to etcd, or TLS; leave one of them out");
}

TEST_F(EtcdFlagsTest, RefusesAnEmptyListAndWhatIsNoAddress) {
  const std::string none = ": no member of etcd; give HOST:PORT, or leave --etcd out";
  EXPECT_EQ(Refusal(Flags("")), "--etcd=" + none);
  EXPECT_EQ(Refusal(Flags(",")), "--etcd=," + none);
  EXPECT_EQ(Refusal(Flags("a")), "--etcd: address 'a': neither unix:PATH nor HOST:PORT");
}

}  // namespace
}  // namespace muster

#include "common/rpc/certificates.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"
#include "tests/fakes/test_ca.h"

namespace muster {
namespace {

class CertificatesTest : public testing::Test {
 protected:
  CertificatesTest() : ca_(tree_, "ca"), other_(tree_, "other") {}

  static absl::Status Check(const SecurityOptions& files, Issuer issuer = Issuer::kSameAuthority) {
    return CheckCertificates(files, "tls", issuer);
  }
  static std::string Fault(const SecurityOptions& files) {
    const absl::Status status = Check(files);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    return std::string(status.message());
  }

  TempTree tree_;
  TestCa ca_;
  TestCa other_;
};

TEST_F(CertificatesTest, TakesWhatAnAuthorityHasIssued) {
  EXPECT_TRUE(Check(ca_.Issue("host", ca_)).ok());
}

TEST_F(CertificatesTest, WantsTheSignatureOfTheAuthorityThatItTrusts) {
  const SecurityOptions files = ca_.Issue("host", other_);
  EXPECT_TRUE(absl::StartsWith(
      Fault(files),
      "--tls_cert " + files.tls_cert + ": not a certificate of --tls_ca " + files.tls_ca + ": "))
      << Fault(files);
  EXPECT_TRUE(Check(files, Issuer::kAny).ok()) << "etcd's server may have another authority";
}

TEST_F(CertificatesTest, KnowsTheNamesOfACertificate) {
  const SecurityOptions files = ca_.Issue("host", ca_);
  EXPECT_TRUE(CheckCertificateName(files, "tls", "127.0.0.1").ok());
  EXPECT_TRUE(CheckCertificateName(files, "tls", "localhost").ok());
  EXPECT_EQ(CheckCertificateName(files, "tls", "10.0.0.1").message(),
            "--tls_cert " + files.tls_cert +
                ": the certificate (CN=host) does not name 10.0.0.1, by which others reach this "
                "host; have one issued that does");
  EXPECT_FALSE(CheckCertificateName(files, "tls", "elsewhere").ok());
}

TEST_F(CertificatesTest, WantsAKeyThatOthersCannotRead) {
  SecurityOptions files = ca_.Issue("host", ca_);
  files.tls_key = tree_.Write("open.key", ReadFile(files.tls_key, 1 << 20).value(), 0644);
  EXPECT_EQ(Fault(files),
            "--tls_key " + files.tls_key + ": every user can read this private key; chmod 600 it");
}

TEST_F(CertificatesTest, KnowsTheDaysOfACertificate) {
  const SecurityOptions files = ca_.Issue("host", ca_);
  EXPECT_TRUE(CheckCertificateDates(files, "tls", Issuer::kAny, absl::Now()).ok());
  const absl::Status late =
      CheckCertificateDates(files, "tls", Issuer::kAny, absl::Now() + absl::Hours(48));
  EXPECT_TRUE(absl::StrContains(late.message(), "the certificate expired at ")) << late;
  const absl::Status early =
      CheckCertificateDates(files, "tls", Issuer::kAny, absl::Now() - absl::Hours(48));
  EXPECT_TRUE(CheckCertificateDates(files, "tls", Issuer::kSameAuthority, absl::Now()).ok());
  // Its authority is good for a day, it for ten.
  const SecurityOptions longer = ca_.Issue("longer", ca_, 10);
  EXPECT_FALSE(
      CheckCertificateDates(longer, "tls", Issuer::kSameAuthority, absl::Now() + absl::Hours(48))
          .ok());
  EXPECT_TRUE(absl::StrContains(early.message(), "the certificate is good only from ")) << early;
}

TEST_F(CertificatesTest, WantsTheKeyOfTheCertificate) {
  SecurityOptions files = ca_.Issue("host", ca_);
  files.tls_key = ca_.Issue("peer", ca_).tls_key;
  EXPECT_EQ(Fault(files), "--tls_key " + files.tls_key + ": not the key of --tls_cert " +
                              files.tls_cert +
                              "; give the two that were made together, this host's certificate "
                              "first in its file");
}

TEST_F(CertificatesTest, NamesTheFileThatDoesNotHoldWhatItIsNamedFor) {
  const SecurityOptions good = ca_.Issue("host", ca_);
  SecurityOptions files = good;
  files.tls_cert = good.tls_key;
  EXPECT_EQ(Fault(files), "--tls_cert " + good.tls_key +
                              ": no certificate in PEM form (BEGIN CERTIFICATE); name the file "
                              "that has it");
  files = good;
  files.tls_key = good.tls_cert;
  EXPECT_EQ(Fault(files), "--tls_key " + good.tls_cert +
                              ": no private key in PEM form (BEGIN PRIVATE KEY); name the file "
                              "that has it");
  files = good;
  files.tls_ca = tree_.Write("empty", "");
  EXPECT_TRUE(absl::StartsWith(Fault(files), "--tls_ca " + files.tls_ca + ": no certificate"));
  files.tls_ca = tree_.Path(".");
  EXPECT_EQ(Fault(files), "--tls_ca " + files.tls_ca + ": a directory; name the PEM file in it");
}

TEST_F(CertificatesTest, TellsADamagedCertificateFromNone) {
  SecurityOptions files = ca_.Issue("host", ca_);
  const std::string text = ReadFile(files.tls_cert, 1 << 20).value();
  files.tls_cert = tree_.Write("cut", text + text.substr(0, text.size() / 2));
  EXPECT_EQ(Fault(files), "--tls_cert " + files.tls_cert +
                              ": certificate 2 of the file is damaged; copy the file anew");
}

TEST_F(CertificatesTest, AFileThatIsNotThereIsNamed) {
  SecurityOptions files = ca_.Issue("host", ca_);
  files.tls_key = tree_.Path("none");
  EXPECT_EQ(Check(files).message(), "--tls_key " + files.tls_key + ": No such file or directory");
}

}  // namespace
}  // namespace muster

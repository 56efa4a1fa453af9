#include "agent/etcd_flags.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"

namespace muster {
namespace {

enum class Scheme { kNone, kHttp, kHttps };

Scheme TakeScheme(absl::string_view* member) {
  if (absl::ConsumePrefix(member, "http://")) return Scheme::kHttp;
  if (absl::ConsumePrefix(member, "https://")) return Scheme::kHttps;
  return Scheme::kNone;
}

// As etcd itself writes its addresses: a slash may follow.
absl::StatusOr<std::vector<std::string>> MembersIn(absl::string_view text, Scheme* scheme) {
  std::vector<std::string> members;
  for (absl::string_view member : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    member = absl::StripAsciiWhitespace(member);
    const Scheme own = TakeScheme(&member);
    if (own != Scheme::kNone) absl::ConsumeSuffix(&member, "/");
    MUSTER_RETURN_IF_ERROR(Annotate(CheckAddress(member), "--etcd"));
    if (!members.empty() && own != *scheme) {
      return absl::InvalidArgumentError(
          absl::StrCat("--etcd=", text,
                       ": all members begin with https://, or all with http://, "
                       "or none with either"));
    }
    *scheme = own;
    members.emplace_back(member);
  }
  if (!members.empty()) return members;
  return absl::InvalidArgumentError(
      absl::StrCat("--etcd=", text, ": no member of etcd; give HOST:PORT, or leave --etcd out"));
}

// Nobody slips into plain text: who wants it says so.
absl::Status CheckPlain(bool any_file, Scheme scheme, const char* plain) {
  const char* const tls = any_file                   ? "--etcd_cert, --etcd_key or --etcd_ca"
                          : scheme == Scheme::kHttps ? "https://"
                                                     : nullptr;
  if (tls == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(plain, " with ", tls, ": plain text to etcd, or TLS; leave one of them out"));
}

// Files are looked at with what they hold, by CheckCertificates().
absl::Status CheckMember(const std::string& member, const SecurityOptions& security) {
  if (!security.tls_cert.empty()) return absl::OkStatus();
  const absl::Status checked = Annotate(CheckSecurity(member, security), "--etcd");
  if (checked.ok()) return checked;
  return absl::Status(checked.code(),
                      absl::StrCat(checked.message(), "; for an etcd without TLS write http://"));
}

const std::string& Either(const std::string& given, const std::string& other) {
  return given.empty() ? other : given;
}

}  // namespace

absl::StatusOr<EtcdCluster> ParseEtcdFlags(const EtcdFlags& flags, const SecurityOptions& own) {
  EtcdCluster cluster;
  Scheme scheme = Scheme::kNone;
  MUSTER_ASSIGN_OR_RETURN(cluster.members, MembersIn(flags.members, &scheme));
  const SecurityOptions& files = flags.files;
  const bool any = !files.tls_cert.empty() || !files.tls_key.empty() || !files.tls_ca.empty();
  if (flags.no_ca || scheme == Scheme::kHttp) {
    MUSTER_RETURN_IF_ERROR(
        CheckPlain(any, scheme, flags.no_ca ? "an empty --etcd_ca" : "--etcd=http://"));
    return cluster;
  }
  cluster.security = {Either(files.tls_cert, own.tls_cert), Either(files.tls_key, own.tls_key),
                      Either(files.tls_ca, own.tls_ca), own.insecure};
  if (scheme == Scheme::kHttps || any || !own.tls_cert.empty()) {
    const SecurityOptions& all = cluster.security;
    if (all.tls_cert.empty() || all.tls_key.empty() || all.tls_ca.empty()) {
      return absl::InvalidArgumentError(
          "--etcd: TLS needs a certificate, its key and an authority; give --etcd_cert, --etcd_key "
          "and --etcd_ca, or --tls_cert, --tls_key and --tls_ca");
    }
  }
  for (const std::string& member : cluster.members) {
    MUSTER_RETURN_IF_ERROR(CheckMember(member, cluster.security));
  }
  return cluster;
}

}  // namespace muster

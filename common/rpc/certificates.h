// What is wrong with the files of mutual TLS, before a handshake fails and says little about it.
#ifndef MUSTER_COMMON_RPC_CERTIFICATES_H_
#define MUSTER_COMMON_RPC_CERTIFICATES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"

namespace muster {

// Who signs this side's certificate.
enum class Issuer {
  kSameAuthority,  // One of tls_ca, as between agents: each is a server and a client of the others.
  kAny,            // Whoever the other side trusts: tls_ca signs only that side's certificates.
};

// Whether the three files, all of them given, hold what they are named for, the key is the
// certificate's, and `issuer` has signed it. FAILED_PRECONDITION names the file, by --FLAGS_cert,
// --FLAGS_key or --FLAGS_ca, and says what to do.
absl::Status CheckCertificates(const SecurityOptions& security, absl::string_view flags,
                               Issuer issuer);

// Whether the certificate names `host`, a name or an address: who connects to it compares them.
absl::Status CheckCertificateName(const SecurityOptions& security, absl::string_view flags,
                                  const std::string& host);

// Whether the certificate is good at `now`, and with kSameAuthority who signed it too. Apart from the
// above: the files of a running agent may be renewed at any time, and the clock of a host that has
// just booted may be wrong.
absl::Status CheckCertificateDates(const SecurityOptions& security, absl::string_view flags,
                                   Issuer issuer, absl::Time now);

}  // namespace muster

#endif  // MUSTER_COMMON_RPC_CERTIFICATES_H_

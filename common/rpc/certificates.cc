#include "common/rpc/certificates.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr int64_t kMaxPemBytes = 8 << 20;  // The bundles of a system's authorities have 0.3 MB.

template <typename T, void (*kFree)(T*)>
struct Freed {
  void operator()(T* object) const { kFree(object); }
};
void FreeBio(BIO* bio) { BIO_free(bio); }
void FreeNames(GENERAL_NAMES* names) { GENERAL_NAMES_free(names); }
// Borrows its members.
void FreeStack(STACK_OF(X509) * stack) { sk_X509_free(stack); }

using Bio = std::unique_ptr<BIO, Freed<BIO, FreeBio>>;
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES, FreeNames>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Stack = std::unique_ptr<STACK_OF(X509), Freed<STACK_OF(X509), FreeStack>>;
using Store = std::unique_ptr<X509_STORE, Freed<X509_STORE, X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX, X509_STORE_CTX_free>>;

// A file that a flag names.
struct PemFile {
  std::string name;  // "--tls_cert PATH".
  std::string text;
};

absl::Status Wrong(const std::string& name, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(name, ": ", what));
}

absl::StatusOr<PemFile> ReadPem(absl::string_view flags, absl::string_view kind,
                                const std::string& path) {
  PemFile file;
  file.name = absl::StrCat("--", flags, "_", kind, " ", path);
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, file.name);
  if (!S_ISREG(info.st_mode)) {
    return Wrong(file.name, S_ISDIR(info.st_mode) ? "a directory; name the PEM file in it"
                                                  : "not a regular file; name a PEM file");
  }
  absl::StatusOr<std::string> text = ReadFile(path, kMaxPemBytes);
  if (!text.ok()) return Annotate(text.status(), absl::StrCat("--", flags, "_", kind));
  file.text = *std::move(text);
  return file;
}

Bio Reader(const PemFile& file) {
  return Bio(BIO_new_mem_buf(file.text.data(), static_cast<int>(file.text.size())));
}

// All certificates of `file`, at least one.
absl::StatusOr<std::vector<Certificate>> CertificatesIn(const PemFile& file) {
  const Bio reader = Reader(file);
  std::vector<Certificate> found;
  ERR_clear_error();
  while (X509* const next = PEM_read_bio_X509_AUX(reader.get(), nullptr, nullptr, nullptr)) {
    found.emplace_back(next);
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) {
    return Wrong(file.name, absl::StrCat("certificate ", found.size() + 1,
                                         " of the file is damaged; copy the file anew"));
  }
  if (found.empty()) {
    return Wrong(file.name,
                 "no certificate in PEM form (BEGIN CERTIFICATE); name the file that has it");
  }
  return found;
}

// Asks nobody: an agent has no terminal, and gRPC takes no passphrase either.
int NoPassphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

absl::Status CheckPrivate(const PemFile& file, const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, file.name);
  if ((info.st_mode & (S_IROTH | S_IWOTH)) == 0) return absl::OkStatus();
  return Wrong(file.name, "every user can read this private key; chmod 600 it");
}

absl::StatusOr<Key> KeyIn(const PemFile& file) {
  const Bio reader = Reader(file);
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(reader.get(), nullptr, &NoPassphrase, &asked));
  ERR_clear_error();
  if (key != nullptr) return key;
  return Wrong(file.name, asked
                              ? "this private key has a passphrase; store it without one, mode 600"
                              : "no private key in PEM form (BEGIN PRIVATE KEY); name the file "
                                "that has it");
}

std::string ToString(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable time";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromTM(parts, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

absl::Status CheckValidity(const PemFile& file, const X509* certificate, absl::Time now) {
  std::time_t at = absl::ToTimeT(now);
  const ASN1_TIME* const until = X509_get0_notAfter(certificate);
  if (X509_cmp_time(until, &at) < 0) {
    return Wrong(file.name,
                 absl::StrCat("the certificate expired at ", ToString(until), "; renew it"));
  }
  const ASN1_TIME* const from = X509_get0_notBefore(certificate);
  if (X509_cmp_time(from, &at) > 0) {
    return Wrong(file.name, absl::StrCat("the certificate is good only from ", ToString(from),
                                         " on; set this host's clock, or wait"));
  }
  return absl::OkStatus();
}

std::string SubjectOf(X509* certificate) {
  const Bio text(BIO_new(BIO_s_mem()));
  if (certificate == nullptr ||
      X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
    return "unknown";
  }
  char* data = nullptr;
  const int64_t size = BIO_get_mem_data(text.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

// DNS names, and addresses as text.
std::vector<std::string> NamesOf(X509* certificate) {
  std::vector<std::string> names;
  const Names all(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* const value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const unsigned char* const data = ASN1_STRING_get0_data(value);
    const int size = ASN1_STRING_length(value);
    char text[INET6_ADDRSTRLEN];
    if (name->type == GEN_DNS) {
      names.emplace_back(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    } else if ((size == 4 || size == 16) &&
               inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof(text)) != nullptr) {
      names.emplace_back(text);
    }
  }
  return names;
}

// As gRPC compares them: without regard to case, a star for one whole label in front, addresses as
// the text that they are written in.
bool Covers(absl::string_view name, absl::string_view host) {
  if (absl::EqualsIgnoreCase(name, host)) return true;
  if (!absl::ConsumePrefix(&name, "*.")) return false;
  const size_t dot = host.find('.');
  return dot != absl::string_view::npos && dot > 0 &&
         absl::EqualsIgnoreCase(name, host.substr(dot + 1));
}

// `chain` begins with this side's certificate. Without `now` dates do not count.
absl::Status CheckSignature(const PemFile& file, const std::vector<Certificate>& chain,
                            const PemFile& ca_file, const std::vector<Certificate>& authorities,
                            std::optional<absl::Time> now) {
  const Store store(X509_STORE_new());
  for (const Certificate& authority : authorities) {
    X509_STORE_add_cert(store.get(), authority.get());
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);  // Need not be a root.
  if (!now.has_value()) X509_STORE_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  const Stack between(sk_X509_new_null());
  for (size_t i = 1; i < chain.size(); ++i) sk_X509_push(between.get(), chain[i].get());
  const StoreContext context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(), between.get()) != 1) {
    return absl::ResourceExhaustedError(absl::StrCat(file.name, ": no memory to check it"));
  }
  if (now.has_value()) X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(*now));
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (good) return absl::OkStatus();
  const int error = X509_STORE_CTX_get_error(context.get());
  return Wrong(file.name,
               absl::StrCat("not a certificate of ", ca_file.name, ": ",
                            X509_verify_cert_error_string(error), " (",
                            SubjectOf(X509_STORE_CTX_get_current_cert(context.get())),
                            "); give the authority that signed it, and what lies between"));
}

}  // namespace

absl::Status CheckCertificates(const SecurityOptions& security, absl::string_view flags,
                               Issuer issuer) {
  MUSTER_ASSIGN_OR_RETURN(const PemFile file, ReadPem(flags, "cert", security.tls_cert));
  MUSTER_ASSIGN_OR_RETURN(const PemFile key_file, ReadPem(flags, "key", security.tls_key));
  MUSTER_ASSIGN_OR_RETURN(const PemFile ca_file, ReadPem(flags, "ca", security.tls_ca));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesIn(file));
  MUSTER_ASSIGN_OR_RETURN(const Key key, KeyIn(key_file));
  MUSTER_RETURN_IF_ERROR(CheckPrivate(key_file, security.tls_key));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities, CertificatesIn(ca_file));
  const bool pair = X509_check_private_key(chain[0].get(), key.get()) == 1;
  ERR_clear_error();
  if (!pair) {
    return Wrong(key_file.name, absl::StrCat("not the key of ", file.name,
                                             "; give the two that were made together, this host's "
                                             "certificate first in its file"));
  }
  if (issuer == Issuer::kAny) return absl::OkStatus();
  return CheckSignature(file, chain, ca_file, authorities, std::nullopt);
}

absl::Status CheckCertificateName(const SecurityOptions& security, absl::string_view flags,
                                  const std::string& host) {
  MUSTER_ASSIGN_OR_RETURN(const PemFile file, ReadPem(flags, "cert", security.tls_cert));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesIn(file));
  X509* const own = chain[0].get();
  const std::vector<std::string> names = NamesOf(own);
  const auto covers = [&host](const std::string& name) { return Covers(name, host); };
  if (std::any_of(names.begin(), names.end(), covers)) return absl::OkStatus();
  return Wrong(file.name,
               absl::StrCat("the certificate (", SubjectOf(own), ") does not name ", host,
                            ", by which others reach this host; have one issued that "
                            "does"));
}

absl::Status CheckCertificateDates(const SecurityOptions& security, absl::string_view flags,
                                   Issuer issuer, absl::Time now) {
  MUSTER_ASSIGN_OR_RETURN(const PemFile file, ReadPem(flags, "cert", security.tls_cert));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<Certificate> chain, CertificatesIn(file));
  MUSTER_RETURN_IF_ERROR(CheckValidity(file, chain[0].get(), now));
  if (issuer == Issuer::kAny) return absl::OkStatus();
  MUSTER_ASSIGN_OR_RETURN(const PemFile ca_file, ReadPem(flags, "ca", security.tls_ca));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<Certificate> authorities, CertificatesIn(ca_file));
  return CheckSignature(file, chain, ca_file, authorities, now);
}

}  // namespace muster

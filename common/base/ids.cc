#include "common/base/ids.h"

#include <sys/random.h>

#include "absl/strings/str_cat.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr int kJobSuffixDigits = 6;
constexpr char kHex[] = "0123456789abcdef";

}  // namespace

std::string RandomHex(int digits) {
  std::string bytes(static_cast<size_t>(digits), '\0');
  PCHECK(getrandom(&bytes[0], bytes.size(), 0) == digits) << "getrandom";
  for (char& c : bytes) c = kHex[static_cast<unsigned char>(c) & 15];
  return bytes;
}

std::string NewJobId(absl::string_view name) {
  return absl::StrCat(name, "-", RandomHex(kJobSuffixDigits));
}

}  // namespace muster

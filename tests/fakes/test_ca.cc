#include "tests/fakes/test_ca.h"

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

void Run(const std::string& command) {
  ASSERT_EQ(std::system((command + " 2>/dev/null").c_str()), 0) << command;
}

}  // namespace

TestCa::TestCa(const TempTree& tree, const std::string& name) : prefix_(tree.Path(name)) {
  Run(absl::StrCat("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1",
                   " -subj /CN=", name, " -keyout ", prefix_, ".key -out ", prefix_, ".pem"));
}

SecurityOptions TestCa::Issue(const std::string& name, const TestCa& ca, int days) const {
  const std::string file = absl::StrCat(prefix_, "-", name);
  Run(absl::StrCat("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=",
                   name, " -keyout ", file, ".key -out ", file, ".csr"));
  EXPECT_TRUE(WriteFile(file + ".ext", "subjectAltName=DNS:localhost,IP:127.0.0.1").ok());
  Run(absl::StrCat("openssl x509 -req -days ", days, " -in ", file, ".csr -CA ", prefix_,
                   ".pem -CAkey ", prefix_, ".key -CAcreateserial -extfile ", file, ".ext -out ",
                   file, ".pem"));
  return {file + ".pem", file + ".key", ca.prefix_ + ".pem"};
}

}  // namespace muster

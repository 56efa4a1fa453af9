#ifndef MUSTER_TESTS_FAKES_TEST_CA_H_
#define MUSTER_TESTS_FAKES_TEST_CA_H_

#include <string>

#include "common/rpc/credentials.h"
#include "tests/fakes/temp_tree.h"

namespace muster {

// A certificate authority with its files in a tree of the test's; the openssl program makes them.
class TestCa {
 public:
  TestCa(const TempTree& tree, const std::string& name);

  // Files of a certificate for `name` that this authority has signed; trusts `ca`. Good for
  // `days` from now.
  SecurityOptions Issue(const std::string& name, const TestCa& ca, int days = 1) const;

 private:
  const std::string prefix_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_TEST_CA_H_

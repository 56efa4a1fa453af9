// What msshim is made of: nothing that it would have to find at run time, or that starts threads.
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace muster {
namespace {

std::string Binary() {
  std::ifstream file(std::string(getenv("TEST_SRCDIR")) + "/muster/agent/shim/msshim",
                     std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(MsshimBinaryTest, IsFullyStatic) {
  const std::string bytes = Binary();
  Elf64_Ehdr header;
  ASSERT_GE(bytes.size(), sizeof(header));
  memcpy(&header, bytes.data(), sizeof(header));
  for (int i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment;
    memcpy(&segment, bytes.data() + header.e_phoff + i * sizeof(segment), sizeof(segment));
    EXPECT_NE(segment.p_type, static_cast<Elf64_Word>(PT_INTERP));
  }
}

TEST(MsshimBinaryTest, HoldsNoAbseilNoGlogNoGrpcAndNoIostreams) {
  const std::string bytes = Binary();
  for (const char* foreign : {"absl", "grpc_", "google3", "glog", "_ZSt4cout"}) {
    EXPECT_EQ(bytes.find(foreign), std::string::npos) << foreign;
  }
}

}  // namespace
}  // namespace muster

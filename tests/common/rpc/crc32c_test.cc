#include "common/rpc/crc32c.h"

#include <string>

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(Crc32cTest, FitsTheExamplesOfRfc3720) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(""), 0u);
}

TEST(Crc32cTest, IsTheSameByTableAndByProcessorAtEveryLengthAndAlignment) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += static_cast<char>(i * 31 + i / 7);
  for (size_t from = 0; from < 9; ++from) {
    for (size_t length = 0; from + length <= bytes.size(); ++length) {
      const absl::string_view part = absl::string_view(bytes).substr(from, length);
      ASSERT_EQ(Crc32c(part), Crc32cByTable(part)) << from << " " << length;
    }
  }
}

}  // namespace
}  // namespace muster

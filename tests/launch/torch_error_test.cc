#include "launch/torch_error.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

TEST(TorchErrorTest, FindsTheExceptionThatRecordWrote) {
  EXPECT_EQ(TorchErrorMessage(R"({"message": {"message": "RuntimeError: boom",
                "extraInfo": {"py_callstack": "Traceback …", "timestamp": "1668000000"}}})"),
            "RuntimeError: boom");
  EXPECT_EQ(TorchErrorMessage(R"({"message": "killed"})"), "killed");
}

TEST(TorchErrorTest, TakesTheFirstLineAndNotTooMuchOfIt) {
  EXPECT_EQ(TorchErrorMessage(R"({"message": "ValueError: a\nb\nc"})"), "ValueError: a");
  EXPECT_EQ(TorchErrorMessage(R"({"message": "a\u001b[31mb\tc"})"), "a [31mb c");
  const std::string cut =
      TorchErrorMessage(absl::StrCat(R"({"message": ")", std::string(299, 'x'), "äöü\"}"));
  EXPECT_EQ(cut, absl::StrCat(std::string(299, 'x'), "…"));
}

TEST(TorchErrorTest, WhatIsNoErrorFileSaysNothing) {
  for (const char* bytes : {"", "oops", "[]", "{}", R"({"message": 7})", R"({"message": {}})",
                            R"({"message": {"message": []}})", "{\"message\": \"\xff\"}"}) {
    EXPECT_EQ(TorchErrorMessage(bytes), "") << bytes;
  }
}

}  // namespace
}  // namespace muster

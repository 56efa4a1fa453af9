#include "ctl/frontend/argparse/python_text.h"

#include <climits>
#include <string>

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(PythonTextTest, WritesStringsAsReprDoes) {
  EXPECT_EQ(PyRepr("abc"), "'abc'");
  EXPECT_EQ(PyRepr("it's"), "\"it's\"");
  EXPECT_EQ(PyRepr("it's \"x\""), "'it\\'s \"x\"'");
  EXPECT_EQ(PyRepr("a\nb\\\x01"), "'a\\nb\\\\\\x01'");
}

TEST(PythonTextTest, ReadsIntegersAsIntDoes) {
  EXPECT_EQ(PyInt(" 1_000\n"), "1000");
  EXPECT_EQ(PyInt("+007"), "7");
  EXPECT_EQ(PyInt("-0"), "0");
  EXPECT_EQ(PyInt("-12"), "-12");
  for (const char* text : {"", "abc", "1.0", "_1", "1_", "1__0", "0x1", "- 1", "--1"}) {
    EXPECT_EQ(PyInt(text), std::nullopt) << text;
  }
}

TEST(PythonTextTest, ReadsFloatsAsFloatDoes) {
  EXPECT_EQ(PyFloat(" 1_0.5e1 "), 105.0);
  EXPECT_TRUE(PyFloat("inf").has_value());
  for (const char* text : {"", "abc", "0x1", "1 2", "nan(1)", "1_.0"}) {
    EXPECT_EQ(PyFloat(text), std::nullopt) << text;
  }
}

TEST(PythonTextTest, ClampsWhatNoIntCanHold) {
  EXPECT_EQ(ClampToInt("99999999999999999999"), INT_MAX);
  EXPECT_EQ(ClampToInt("-99999999999999999999"), INT_MIN);
  EXPECT_EQ(ClampToInt("42"), 42);
}

}  // namespace
}  // namespace muster

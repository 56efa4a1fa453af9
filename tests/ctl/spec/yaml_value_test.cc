#include "ctl/spec/yaml_value.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

YamlValue Parse(const std::string& text) {
  YamlValue root;
  SourceFault fault;
  EXPECT_TRUE(ParseYaml(text, &root, &fault)) << fault.message;
  return root;
}

TEST(YamlValueTest, EveryNodeKnowsItsPlace) {
  const YamlValue root = Parse("a: 1\nb:\n  - x\n  - {c: \"two\"}\n");
  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_EQ(root.entries[1].key, "b");
  EXPECT_EQ(root.entries[1].place.line, 2);
  const YamlValue& list = root.entries[1].value;
  ASSERT_EQ(list.items.size(), 2u);
  const YamlEntry& inner = list.items[1].entries[0];
  EXPECT_EQ(inner.place.line, 4);
  EXPECT_EQ(inner.place.column, 6);
  EXPECT_EQ(inner.value.place.column, 9);
  EXPECT_EQ(inner.value.place.length, 5);
  EXPECT_TRUE(inner.value.quoted);
}

TEST(YamlValueTest, ScalarsKeepTheirText) {
  const YamlValue root = Parse("[022, yes, 1.0, '', ~]");
  ASSERT_EQ(root.items.size(), 5u);
  EXPECT_EQ(root.items[0].text, "022");
  EXPECT_EQ(root.items[1].text, "yes");
  EXPECT_EQ(root.items[3].kind, YamlValue::Kind::kScalar);
  EXPECT_EQ(root.items[4].kind, YamlValue::Kind::kNull);
}

TEST(YamlValueTest, AnEmptyTextIsNull) {
  EXPECT_EQ(Parse("").kind, YamlValue::Kind::kNull);
  EXPECT_EQ(Parse("# nothing\n").kind, YamlValue::Kind::kNull);
}

TEST(YamlValueTest, RefusesAnAliasBombBeforeItUnfolds) {
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string n = std::to_string(i);
    const std::string p = std::to_string(i - 1);
    bomb += "a" + n + ": &a" + n + " [*a" + p + ", *a" + p + "]\n";
  }
  YamlValue root;
  SourceFault fault;
  EXPECT_FALSE(ParseYaml(bomb, &root, &fault));
  EXPECT_EQ(fault.message, "anchors and aliases are not allowed here");
}

}  // namespace
}  // namespace muster

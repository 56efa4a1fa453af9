#ifndef MUSTER_CTL_SPEC_YAML_VALUE_H_
#define MUSTER_CTL_SPEC_YAML_VALUE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "ctl/spec/source_excerpt.h"

namespace muster {

struct YamlEntry;

// One node of a YAML document, with its place. Plain data.
struct YamlValue {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;     // Of a scalar, unquoted, untyped: `022` stays "022".
  bool quoted = false;  // It was written in quotes, or as a block.
  SourcePlace place;
  std::vector<YamlValue> items;    // Of a list.
  std::vector<YamlEntry> entries;  // Of a map, in order.
};

struct YamlEntry {
  std::string key;
  SourcePlace place;  // Of the key.
  YamlValue value;
};

// Bounds of one document. No parser can be made to do much work below them.
inline constexpr int kMaxYamlDepth = 32;
inline constexpr int kMaxYamlNodes = 20000;

// Parses one document. False: `fault` is the first thing wrong with it: its syntax, a key that is
// there twice, an anchor or alias (never allowed, so that no small file can unfold into a large
// one), a tag, a second document, bytes that are not UTF-8, or too much of it.
bool ParseYaml(absl::string_view text, YamlValue* root, SourceFault* fault);

// "a list", "a number or text", …, for messages.
absl::string_view KindName(YamlValue::Kind kind);

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_YAML_VALUE_H_

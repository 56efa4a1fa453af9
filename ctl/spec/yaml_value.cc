#include "ctl/spec/yaml_value.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <set>
#include <streambuf>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ctl/spec/utf8.h"

namespace muster {
namespace {

// Thrown to leave yaml-cpp's parser, which knows no other way out; caught in ParseYaml.
struct Refusal {
  SourceFault fault;
};

SourcePlace PlaceOf(const YAML::Mark& mark, size_t length = 1) {
  // An error without a place has -1 for both.
  return {std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1, static_cast<int>(length)};
}

[[noreturn]] void Refuse(const SourcePlace& place, std::string message, std::string help) {
  throw Refusal{{place, std::move(message), std::move(help)}};
}

// Builds the tree from the parser's events, and refuses what a job file may not have.
class TreeBuilder : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) {
      Refuse(PlaceOf(mark), "a second document begins here", "keep one job to a file");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Add(YamlValue{}, mark, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { RefuseAlias(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlValue scalar;
    scalar.kind = YamlValue::Kind::kScalar;
    scalar.text = value;
    scalar.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!scalar.quoted) CheckTag(mark, tag);
    Add(std::move(scalar), mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(YamlValue::Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(YamlValue::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

  YamlValue TakeRoot() { return std::move(root_); }

 private:
  // A list or map that is not yet complete.
  struct Level {
    YamlValue value;
    std::set<std::string> keys;
    bool has_key = false;  // A map's next event is the value of its last entry.
  };

  [[noreturn]] static void RefuseAlias(const YAML::Mark& mark) {
    Refuse(PlaceOf(mark), "anchors and aliases are not allowed here", "write the value out");
  }

  static void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    Refuse(PlaceOf(mark), "tags are not allowed here",
           "leave the tag out; write text in quotes where it looks like something else");
  }

  void Count(const YAML::Mark& mark) {
    if (++nodes_ <= kMaxYamlNodes) return;
    Refuse(PlaceOf(mark), absl::StrCat("the file has more than ", kMaxYamlNodes, " values"),
           "put data into files of its own, and name them in `command` or `env`");
  }

  void Open(YamlValue::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    if (anchor != 0) RefuseAlias(mark);
    CheckTag(mark, tag);
    Count(mark);
    RefuseAsKey(mark);
    if (levels_.size() >= kMaxYamlDepth) {
      Refuse(PlaceOf(mark), absl::StrCat("lists and maps are nested deeper than ", kMaxYamlDepth),
             "no field of a job needs that; check the brackets and the indentation");
    }
    levels_.emplace_back();
    levels_.back().value.kind = kind;
    levels_.back().value.place = PlaceOf(mark);
  }

  void Close() {
    YamlValue done = std::move(levels_.back().value);
    levels_.pop_back();
    Attach(std::move(done));
  }

  void Add(YamlValue value, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) RefuseAlias(mark);
    Count(mark);
    value.place = PlaceOf(mark, value.text.size() + (value.quoted ? 2 : 0));
    if (AwaitsKey()) return AddKey(std::move(value));
    Attach(std::move(value));
  }

  bool AwaitsKey() const {
    return !levels_.empty() && levels_.back().value.kind == YamlValue::Kind::kMap &&
           !levels_.back().has_key;
  }

  void RefuseAsKey(const YAML::Mark& mark) const {
    if (AwaitsKey())
      Refuse(PlaceOf(mark), "a key must be one word", "check the brackets and the indentation");
  }

  void AddKey(YamlValue key) {
    if (key.kind != YamlValue::Kind::kScalar) {
      Refuse(key.place, "a key is missing", "write `key: value`");
    }
    Level& map = levels_.back();
    if (!map.keys.insert(key.text).second) {
      Refuse(key.place, absl::StrCat("key '", key.text, "' is there twice"), "keep one of the two");
    }
    map.value.entries.push_back({std::move(key.text), key.place, YamlValue{}});
    map.has_key = true;
  }

  void Attach(YamlValue value) {
    if (levels_.empty()) {
      root_ = std::move(value);
    } else if (levels_.back().value.kind == YamlValue::Kind::kList) {
      levels_.back().value.items.push_back(std::move(value));
    } else {
      levels_.back().value.entries.back().value = std::move(value);
      levels_.back().has_key = false;
    }
  }

  YamlValue root_;
  std::vector<Level> levels_;
  int nodes_ = 0;
  int documents_ = 0;
};

bool CheckBytes(absl::string_view text, SourceFault* fault) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text.substr(i));
    if (length == 0 || text[i] == '\0') {
      *fault = {PlaceOfOffset(text, i), "this byte is not text in UTF-8",
                "save the file as UTF-8; is it a job file at all?"};
      return false;
    }
    i += length;
  }
  return true;
}

// Reads from memory that it does not own.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(absl::string_view text) {
    char* begin = const_cast<char*>(text.data());  // Never written to: there is no overflow().
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

bool ParseYaml(absl::string_view text, YamlValue* root, SourceFault* fault) {
  if (!CheckBytes(text, fault)) return false;
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    TreeBuilder builder;
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    *root = builder.TakeRoot();
    return true;
  } catch (const Refusal& refusal) {
    *fault = refusal.fault;
  } catch (const YAML::Exception& error) {
    *fault = {PlaceOf(error.mark), absl::StrCat("not YAML: ", error.msg),
              "check the indentation (no tabs), brackets and quotes near here"};
  } catch (const std::exception& error) {
    *fault = {{}, absl::StrCat("not YAML: ", error.what()), ""};
  }
  return false;
}

absl::string_view KindName(YamlValue::Kind kind) {
  switch (kind) {
    case YamlValue::Kind::kNull:
      return "empty";
    case YamlValue::Kind::kScalar:
      return "a single value";
    case YamlValue::Kind::kList:
      return "a list";
    case YamlValue::Kind::kMap:
      return "a map";
  }
  return "";
}

}  // namespace muster

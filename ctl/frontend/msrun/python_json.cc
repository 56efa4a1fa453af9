#include "ctl/frontend/msrun/python_json.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ctl/frontend/argparse/python_text.h"

namespace muster {
namespace {

using Kind = JsonValue::Kind;

constexpr int kMaxDepth = 64;

class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  JsonParse Run() {
    JsonParse parse;
    JsonValue value;
    SkipSpace();
    if (Value(&value, 0)) {
      SkipSpace();
      if (at_ == text_.size()) {
        parse.value = std::move(value);
      } else {
        Fail("Extra data", at_);
      }
    }
    parse.error = error_;
    return parse;
  }

 private:
  bool Fail(absl::string_view what, size_t at) {
    const absl::string_view before = text_.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t newline = before.rfind('\n');
    const size_t column = newline == before.npos ? at + 1 : at - newline;
    error_ = absl::StrCat(what, ": line ", line, " column ", column, " (char ", at, ")");
    return false;
  }
  void SkipSpace() {
    while (at_ < text_.size() && absl::StrContains(" \t\n\r", text_.substr(at_, 1))) ++at_;
  }
  char Next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(absl::string_view word) {
    if (!absl::StartsWith(text_.substr(at_), word)) return false;
    at_ += word.size();
    return true;
  }

  bool Value(JsonValue* value, int depth) {
    if (depth > kMaxDepth) return Fail("Nested too deeply", at_);
    if (Next() == '{') return Object(value, depth);
    if (Next() == '[') return List(value, depth);
    if (Next() == '"') {
      value->kind = Kind::kString;
      return String(&value->text);
    }
    if (Take("true")) return Constant(value, Kind::kBool, "True");
    if (Take("false")) return Constant(value, Kind::kBool, "False");
    if (Take("null")) return Constant(value, Kind::kNone, "None");
    return Number(value);
  }
  static bool Constant(JsonValue* value, Kind kind, const char* text) {
    value->kind = kind;
    value->text = text;
    return true;
  }

  bool Number(JsonValue* value) {
    const size_t begin = at_;
    size_t end = at_;
    const auto digits = [this, &end] {
      const size_t first = end;
      while (end < text_.size() && absl::ascii_isdigit(text_[end])) ++end;
      return end > first;
    };
    if (Next() == '-') ++end;
    if (!digits()) return Fail("Expecting value", begin);
    value->kind = Kind::kInt;
    if (end < text_.size() && text_[end] == '.') {
      ++end;
      if (digits()) {
        value->kind = Kind::kFloat;
      } else {
        --end;
      }
    }
    value->text = std::string(text_.substr(begin, end - begin));
    at_ = end;
    return true;
  }

  bool String(std::string* out) {
    const size_t begin = at_++;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return Fail("Invalid control character at", at_);
      if (c != '\\') {
        out->push_back(c);
        continue;
      }
      if (++at_ == text_.size()) break;
      const size_t known = absl::string_view("\"\\/bfnrt").find(text_[at_]);
      // No name of a device and no CPU has a \u escape: they are answered as unknown ones are.
      if (known == absl::string_view::npos) return Fail("Invalid \\escape", at_ - 1);
      out->push_back("\"\\/\b\f\n\r\t"[known]);
    }
    return Fail("Unterminated string starting at", begin);
  }

  bool List(JsonValue* value, int depth) {
    value->kind = Kind::kList;
    ++at_;
    SkipSpace();
    if (Take("]")) return true;
    for (;;) {
      value->items.emplace_back();
      if (!Value(&value->items.back(), depth + 1)) return false;
      SkipSpace();
      if (Take("]")) return true;
      if (!Take(",")) return Fail("Expecting ',' delimiter", at_);
      SkipSpace();
    }
  }

  bool Object(JsonValue* value, int depth) {
    value->kind = Kind::kObject;
    ++at_;
    SkipSpace();
    if (Take("}")) return true;
    for (;;) {
      if (Next() != '"') return Fail("Expecting property name enclosed in double quotes", at_);
      std::string key;
      if (!String(&key)) return false;
      SkipSpace();
      if (!Take(":")) return Fail("Expecting ':' delimiter", at_);
      SkipSpace();
      JsonValue member;
      if (!Value(&member, depth + 1)) return false;
      Put(std::move(key), std::move(member), value);
      SkipSpace();
      if (Take("}")) return true;
      if (!Take(",")) return Fail("Expecting ',' delimiter", at_);
      SkipSpace();
    }
  }
  // A key that comes again keeps its place and gets the later value.
  static void Put(std::string key, JsonValue member, JsonValue* object) {
    for (auto& [known, value] : object->members) {
      if (known != key) continue;
      value = std::move(member);
      return;
    }
    object->members.emplace_back(std::move(key), std::move(member));
  }

  const absl::string_view text_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace

std::string JsonValue::Repr() const {
  switch (kind) {
    case Kind::kString:
      return PyRepr(text);
    case Kind::kList:
      return absl::StrCat(
          "[",
          absl::StrJoin(items, ", ",
                        [](std::string* out, const JsonValue& item) { out->append(item.Repr()); }),
          "]");
    case Kind::kObject:
      return absl::StrCat("{",
                          absl::StrJoin(members, ", ",
                                        [](std::string* out, const auto& member) {
                                          absl::StrAppend(out, PyRepr(member.first), ": ",
                                                          member.second.Repr());
                                        }),
                          "}");
    default:
      return text;
  }
}

std::string JsonValue::TypeName() const {
  const char* name = "";
  switch (kind) {
    case Kind::kObject:
      name = "dict";
      break;
    case Kind::kList:
      name = "list";
      break;
    case Kind::kString:
      name = "str";
      break;
    case Kind::kInt:
      name = "int";
      break;
    case Kind::kFloat:
      name = "float";
      break;
    case Kind::kBool:
      name = "bool";
      break;
    case Kind::kNone:
      name = "NoneType";
      break;
  }
  return absl::StrCat("<class '", name, "'>");
}

JsonParse ParsePythonJson(absl::string_view text) { return Reader(text).Run(); }

}  // namespace muster

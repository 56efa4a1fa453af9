#include "ctl/view/message_text.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/util/json_util.h"

namespace muster {
namespace {

std::string ToJson(const google::protobuf::Message& message, bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = pretty;
  options.preserve_proto_field_names = true;
  std::string json;
  // It fails for invalid UTF-8 in a string alone, which protobuf refuses on the wire.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

// Walks well-formed JSON once and writes it as block YAML.
class YamlWriter {
 public:
  explicit YamlWriter(absl::string_view json) : json_(json) {}

  std::string Write() {
    SkipSpace();
    Value(0, /*after_key=*/false);
    if (out_.empty() || out_.back() != '\n') out_.push_back('\n');
    return out_;
  }

 private:
  void SkipSpace() {
    while (at_ < json_.size() && (json_[at_] == ' ' || json_[at_] == '\n' || json_[at_] == '\t' ||
                                  json_[at_] == '\r' || json_[at_] == ',' || json_[at_] == ':')) {
      ++at_;
    }
  }
  char Peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }

  void Value(int depth, bool after_key) {
    if (Peek() == '{') return Object(depth, after_key);
    if (Peek() == '[') return Array(depth, after_key);
    absl::StrAppend(&out_, after_key ? " " : "", Peek() == '"' ? Scalar(String()) : Bare(), "\n");
  }

  void Object(int depth, bool after_key) {
    ++at_;
    SkipSpace();
    if (Peek() == '}') {
      ++at_;
      absl::StrAppend(&out_, after_key ? " " : "", "{}\n");
      return;
    }
    if (after_key) out_.push_back('\n');
    for (bool first = true; Peek() != '}' && Peek() != '\0'; first = false) {
      // The first key of a list's item stands behind its dash.
      if (!first || after_key) out_.append(static_cast<size_t>(depth), ' ');
      absl::StrAppend(&out_, Scalar(String()), ":");
      SkipSpace();
      Value(depth + 2, /*after_key=*/true);
      SkipSpace();
    }
    ++at_;
  }

  void Array(int depth, bool after_key) {
    ++at_;
    SkipSpace();
    if (Peek() == ']') {
      ++at_;
      absl::StrAppend(&out_, after_key ? " " : "", "[]\n");
      return;
    }
    if (after_key) out_.push_back('\n');
    for (bool first = true; Peek() != ']' && Peek() != '\0'; first = false) {
      if (!first || after_key) out_.append(static_cast<size_t>(depth), ' ');
      absl::StrAppend(&out_, "- ");
      Value(depth + 2, /*after_key=*/false);
      SkipSpace();
    }
    ++at_;
  }

  // A string as it stands in the JSON, quotes and escapes included: valid in YAML, too.
  absl::string_view String() {
    const size_t begin = at_++;
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    return json_.substr(begin, ++at_ - begin);
  }
  std::string Bare() {
    const size_t begin = at_;
    while (at_ < json_.size() && json_.substr(at_, 1).find_first_of(",]}\n ") != 0) ++at_;
    return std::string(json_.substr(begin, at_ - begin));
  }
  // Without quotes where YAML reads the same string back.
  static std::string Scalar(absl::string_view quoted) {
    const absl::string_view text = quoted.substr(1, quoted.size() - 2);
    double number;
    bool truth;
    const bool plain = !text.empty() &&
                       text.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789_/.+-") == absl::string_view::npos &&
                       absl::string_view("-.+").find(text[0]) == absl::string_view::npos &&
                       !(text[0] >= '0' && text[0] <= '9') && !absl::SimpleAtod(text, &number) &&
                       !absl::SimpleAtob(text, &truth) && text != "null" && text != "on" &&
                       text != "off" && text != "Null" && text != "NULL" && text != "On" &&
                       text != "ON" && text != "Off" && text != "OFF";
    return std::string(plain ? text : quoted);
  }

  const absl::string_view json_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string MessageJson(const google::protobuf::Message& message) { return ToJson(message, true); }

std::string MessageJsonLine(const google::protobuf::Message& message) {
  return ToJson(message, false);
}

std::string JsonToYaml(absl::string_view json) { return YamlWriter(json).Write(); }

std::string JsonQuote(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", std::string(1, c));
    } else if (c == '\n') {
      absl::StrAppend(&out, "\\n");
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<int>(c));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace muster

#include "ctl/spec/spec_writer.h"

#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ctl/spec/value_text.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/reflection.h"
#include "muster/v1/options.pb.h"

namespace muster {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Words that a YAML reader may take for something else than text, in any case.
bool IsYamlWord(const std::string& text) {
  static const auto* const kWords =
      new std::set<std::string>{"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  return kWords->count(absl::AsciiStrToLower(text)) != 0;
}

// Whether the text stays itself without quotes, in every YAML reader and inside [a, b].
bool IsPlain(const std::string& text) {
  if (text.empty() || IsYamlWord(text)) return false;
  if (!absl::ascii_isalpha(text[0]) && text[0] != '/' && text[0] != '_') return false;
  for (const char c : text) {
    if (!absl::ascii_isalnum(c) && !absl::StrContains("_-./+=", absl::string_view(&c, 1))) {
      return false;
    }
  }
  return true;
}

std::string Quote(const std::string& text) {
  if (IsPlain(text)) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (absl::ascii_iscntrl(c)) {
      absl::StrAppendFormat(&out, "\\x%02x", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// Writes one message as a block of YAML. Short-lived.
class BlockWriter {
 public:
  std::string Take() && { return std::move(out_); }

  void WriteFields(const Message& message, int indent) {
    const auto* descriptor = message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor* field = descriptor->field(i);
      const bool present = field->is_repeated() ? reflection.FieldSize(message, field) > 0
                                                : reflection.HasField(message, field);
      if (present) WriteField(message, field, indent);
    }
  }

 private:
  void Line(int indent, absl::string_view text) {
    absl::StrAppend(&out_, std::string(static_cast<size_t>(indent), ' '), text, "\n");
  }

  void WriteField(const Message& message, const FieldDescriptor* field, int indent) {
    const std::string& name = field->name();
    const Reflection& reflection = *message.GetReflection();
    if (field->is_map()) return WriteMap(message, field, indent);
    if (field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      return WriteStrings(message, field, indent);
    }
    if (field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_INT32) {
      return WriteNumbers(message, field, indent);
    }
    if (field->is_repeated()) return WriteMessages(message, field, indent);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return WriteMessage(name, reflection.GetMessage(message, field), indent);
    }
    Line(indent, absl::StrCat(name, ": ", ScalarText(message, field)));
  }

  void WriteMap(const Message& message, const FieldDescriptor* field, int indent) {
    Line(indent, absl::StrCat(field->name(), ":"));
    const Reflection& reflection = *message.GetReflection();
    std::map<std::string, std::string> sorted;
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      const Message& pair = reflection.GetRepeatedMessage(message, field, i);
      sorted[pair.GetReflection()->GetString(pair, field->message_type()->map_key())] =
          pair.GetReflection()->GetString(pair, field->message_type()->map_value());
    }
    for (const auto& [key, value] : sorted) {
      Line(indent + 2, absl::StrCat(Quote(key), ": ", Quote(value)));
    }
  }

  void WriteStrings(const Message& message, const FieldDescriptor* field, int indent) {
    const Reflection& reflection = *message.GetReflection();
    std::string list;
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      absl::StrAppend(&list, i == 0 ? "" : ", ",
                      Quote(reflection.GetRepeatedString(message, field, i)));
    }
    Line(indent, absl::StrCat(field->name(), ": [", list, "]"));
  }

  void WriteNumbers(const Message& message, const FieldDescriptor* field, int indent) {
    const auto numbers = message.GetReflection()->GetRepeatedFieldRef<int32_t>(message, field);
    Line(indent, absl::StrCat(field->name(), ": [", absl::StrJoin(numbers, ", "), "]"));
  }

  void WriteMessages(const Message& message, const FieldDescriptor* field, int indent) {
    const Reflection& reflection = *message.GetReflection();
    Line(indent, absl::StrCat(field->name(), ":"));
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      BlockWriter item;
      item.WriteFields(reflection.GetRepeatedMessage(message, field, i), indent + 4);
      std::string block = std::move(item).Take();
      // The first field's indentation makes room for the dash.
      if (block.empty()) block = absl::StrCat(std::string(indent + 4, ' '), "{}\n");
      block[static_cast<size_t>(indent) + 2] = '-';
      out_ += block;
    }
  }

  void WriteMessage(const std::string& name, const Message& message, int indent) {
    if (message.GetDescriptor() == google::protobuf::Duration::descriptor()) {
      const auto* duration =
          google::protobuf::DynamicCastToGenerated<google::protobuf::Duration>(&message);
      return Line(indent, absl::StrCat(name, ": ", FormatDurationText(*duration)));
    }
    if (const auto* nodes = google::protobuf::DynamicCastToGenerated<v1::NodeRange>(&message);
        nodes != nullptr && nodes->min() == nodes->max() && nodes->min() != 0) {
      return Line(indent, absl::StrCat(name, ": ", nodes->min()));
    }
    BlockWriter block;
    block.WriteFields(message, indent + 2);
    const std::string inner = std::move(block).Take();
    Line(indent, absl::StrCat(name, inner.empty() ? ": {}" : ":"));
    out_ += inner;
  }

  static std::string ScalarText(const Message& message, const FieldDescriptor* field) {
    const Reflection& reflection = *message.GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return Quote(reflection.GetString(message, field));
      case FieldDescriptor::CPPTYPE_INT32:
        return absl::StrCat(reflection.GetInt32(message, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return field->options().GetExtension(v1::unit) == v1::UNIT_BYTES
                   ? FormatByteSize(reflection.GetInt64(message, field))
                   : FormatCount(reflection.GetInt64(message, field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.GetBool(message, field) ? "true" : "false";
      case FieldDescriptor::CPPTYPE_ENUM:
        return EnumText(reflection.GetEnum(message, field));
      default:
        return "";  // JobSpec has no field of another type; the writer's test reads them all.
    }
  }

  std::string out_;
};

}  // namespace

std::string WriteJobFile(const v1::JobSpec& spec) {
  BlockWriter writer;
  writer.WriteFields(spec, 0);
  return std::move(writer).Take();
}

}  // namespace muster

#include "ctl/spec/message_reader.h"

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ctl/spec/nearest.h"
#include "ctl/spec/value_text.h"
#include "google/protobuf/duration.pb.h"
#include "muster/v1/job.pb.h"
#include "muster/v1/options.pb.h"

namespace muster {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;

// Numbers for which proto3's 0 stands for "absent", so that a written 0 would be lost in silence.
bool ZeroMeansAbsent(const FieldDescriptor* field) {
  static const auto* const kNames = new std::set<std::string>{
      "muster.v1.NodeRange.min",  "muster.v1.NodeRange.max",     "muster.v1.JobSpec.ranks_per_node",
      "muster.v1.RoleSpec.count", "muster.v1.RoleSpec.per_node", "muster.v1.DeviceRequest.count",
  };
  return kNames->count(field->full_name()) != 0;
}

// `job.roles[1].count` as the fields of a message are named: job.roles.count.
std::string FieldPath(const std::string& path) {
  std::string out;
  bool in_index = false;
  for (const char c : path) {
    if (c == '[') in_index = true;
    if (!in_index) out += c;
    if (c == ']') in_index = false;
  }
  return out;
}

std::vector<std::string> FieldNames(const Message& message) {
  std::vector<std::string> names;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    names.push_back(message.GetDescriptor()->field(i)->name());
  }
  return names;
}

std::string Join(const std::vector<std::string>& words) { return absl::StrJoin(words, ", "); }

bool IsInteger(absl::string_view text) {
  int64_t ignored = 0;
  return absl::SimpleAtoi(text, &ignored);
}

}  // namespace

void MessageReader::Read(const YamlValue& value, Message* message) {
  places_[root_] = value.place;
  if (value.kind == YamlValue::Kind::kNull) {
    return Fault({}, "the file is empty", "begin with `command: [PROGRAM, ARGUMENT...]`");
  }
  if (value.kind != YamlValue::Kind::kMap) {
    return Fault(
        value.place,
        absl::StrCat("a ", root_, " file is a map, this is ", std::string(KindName(value.kind))),
        "write `key: value` lines, beginning with `command:`");
  }
  ReadMap(value, root_, message);
}

SourcePlace MessageReader::PlaceOf(std::string path) const {
  while (true) {
    const auto found = places_.find(path);
    if (found != places_.end()) return found->second;
    const size_t cut = path.find_last_of(".[");
    if (cut == std::string::npos) return {};
    path.resize(cut);
  }
}

void MessageReader::ReadMap(const YamlValue& value, const std::string& path, Message* message) {
  for (const YamlEntry& entry : value.entries) {
    const Field* field = message->GetDescriptor()->FindFieldByName(entry.key);
    if (field == nullptr) {
      UnknownField(entry, path, *message);
      continue;
    }
    const std::string field_path = absl::StrCat(path, ".", entry.key);
    const bool scalar = entry.value.kind == YamlValue::Kind::kScalar;
    places_[field_path] = scalar ? entry.value.place : entry.place;
    if (!CheckOneof(entry, field, *message)) continue;
    if (entry.value.kind == YamlValue::Kind::kNull) {
      // All lines below a key may be commented out; a single value must be there.
      if (!field->is_repeated() && field->cpp_type() != Field::CPPTYPE_MESSAGE) {
        Fault(entry.place, absl::StrCat("'", entry.key, "' has no value"),
              "write one, or leave the line out");
      }
      continue;
    }
    ReadField({&entry.value, field, field_path}, message);
  }
}

void MessageReader::ReadField(const Item& item, Message* message) {
  if (item.field->is_map()) return ReadStringMap(item, message);
  if (item.field->is_repeated()) return ReadList(item, message);
  if (item.field->cpp_type() == Field::CPPTYPE_MESSAGE) return ReadMessage(item, message);
  if (item.value->kind != YamlValue::Kind::kScalar) return WrongKind(item, "a single value", "");
  ReadScalar(item, message);
}

void MessageReader::ReadList(const Item& item, Message* message) {
  const std::string& name = item.field->name();
  if (item.value->kind != YamlValue::Kind::kList) {
    const bool words = item.value->kind == YamlValue::Kind::kScalar && name == "command";
    const std::vector<std::string> split =
        absl::StrSplit(item.value->text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
    return WrongKind(item, "a list",
                     words ? absl::StrCat("write ", name, ": [", Join(split), "]")
                           : absl::StrCat("write ", name, ": [...], or one `- ` line for each"));
  }
  for (size_t i = 0; i < item.value->items.size(); ++i) {
    const YamlValue& element = item.value->items[i];
    const std::string path = absl::StrCat(item.path, "[", i, "]");
    places_[path] = element.place;
    if (item.field->cpp_type() == Field::CPPTYPE_MESSAGE) {
      if (element.kind != YamlValue::Kind::kMap) {
        WrongKind({&element, item.field, path}, "a map", "write `- name: ...`");
        continue;
      }
      ReadMap(element, path, message->GetReflection()->AddMessage(message, item.field));
    } else if (item.field->cpp_type() == Field::CPPTYPE_INT32) {
      AddInt32({&element, item.field, path}, message);
    } else if (element.kind == YamlValue::Kind::kScalar) {
      message->GetReflection()->AddString(message, item.field, element.text);
    } else {
      WrongKind({&element, item.field, path}, "text", "write an empty text as \"\"");
    }
  }
}

void MessageReader::AddInt32(const Item& item, Message* message) {
  int32_t number = 0;
  if (!absl::SimpleAtoi(item.value->text, &number)) {
    return BadValue(item, "a whole number", IsInteger(item.value->text) ? "it is too large" : "");
  }
  message->GetReflection()->AddInt32(message, item.field, number);
}

void MessageReader::ReadStringMap(const Item& item, Message* message) {
  if (item.value->kind != YamlValue::Kind::kMap) {
    return WrongKind(item, "a map", absl::StrCat("write ", item.field->name(), ": {NAME: value}"));
  }
  const Field* key_field = item.field->message_type()->map_key();
  const Field* value_field = item.field->message_type()->map_value();
  for (const YamlEntry& entry : item.value->entries) {
    const std::string path = absl::StrCat(item.path, ".", entry.key);
    places_[path] = entry.place;
    if (entry.value.kind != YamlValue::Kind::kScalar) {
      WrongKind({&entry.value, value_field, path}, "text", "write an empty text as \"\"");
      continue;
    }
    Message* pair = message->GetReflection()->AddMessage(message, item.field);
    pair->GetReflection()->SetString(pair, key_field, entry.key);
    pair->GetReflection()->SetString(pair, value_field, entry.value.text);
  }
}

void MessageReader::ReadMessage(const Item& item, Message* message) {
  if (item.field->message_type() == google::protobuf::Duration::descriptor()) {
    return ReadDuration(item, message);
  }
  Message* inner = message->GetReflection()->MutableMessage(message, item.field);
  if (item.value->kind == YamlValue::Kind::kMap) return ReadMap(*item.value, item.path, inner);
  if (item.value->kind == YamlValue::Kind::kScalar && ReadShorthand(item, inner)) return;
  WrongKind(item, "a map", absl::StrCat("its fields are ", Join(FieldNames(*inner))));
}

void MessageReader::ReadDuration(const Item& item, Message* message) {
  const std::optional<google::protobuf::Duration> duration =
      item.value->kind == YamlValue::Kind::kScalar ? ParseDurationText(item.value->text)
                                                   : std::nullopt;
  if (!duration.has_value()) {
    return BadValue(item, "a time",
                    IsInteger(item.value->text)
                        ? absl::StrCat("add a unit, e.g. ", item.value->text, "s")
                        : "write it like 30s, 5m or 1h30m");
  }
  message->GetReflection()->MutableMessage(message, item.field)->CopyFrom(*duration);
}

void MessageReader::ReadScalar(const Item& item, Message* message) {
  switch (item.field->cpp_type()) {
    case Field::CPPTYPE_STRING:
      return message->GetReflection()->SetString(message, item.field, item.value->text);
    case Field::CPPTYPE_INT32:
      return ReadInt32(item, message);
    case Field::CPPTYPE_INT64:
      return ReadInt64(item, message);
    case Field::CPPTYPE_BOOL:
      return ReadBool(item, message);
    case Field::CPPTYPE_ENUM:
      return ReadEnum(item, message);
    default:
      return Fault(item.value->place, absl::StrCat("'", item.field->name(), "' cannot be written"),
                   "leave it out");
  }
}

void MessageReader::ReadInt32(const Item& item, Message* message) {
  int32_t number = 0;
  if (!absl::SimpleAtoi(item.value->text, &number)) {
    return BadValue(item, "a whole number", IsInteger(item.value->text) ? "it is too large" : "");
  }
  if (number == 0 && ZeroMeansAbsent(item.field)) {
    return Fault(item.value->place, absl::StrCat("'", item.field->name(), "' is 0"),
                 "use at least 1, or leave the line out");
  }
  message->GetReflection()->SetInt32(message, item.field, number);
}

void MessageReader::ReadInt64(const Item& item, Message* message) {
  const bool bytes = item.field->options().GetExtension(v1::unit) == v1::UNIT_BYTES;
  const std::optional<int64_t> number =
      bytes ? ParseByteSize(item.value->text) : ParseCount(item.value->text);
  if (!number.has_value()) {
    return BadValue(
        item, bytes ? "a size" : "a whole number",
        bytes ? "write it like 4096, 64KiB, 32GiB or unlimited" : "write a number, or unlimited");
  }
  message->GetReflection()->SetInt64(message, item.field, *number);
}

void MessageReader::ReadBool(const Item& item, Message* message) {
  if (item.value->text != "true" && item.value->text != "false") {
    return BadValue(item, "true or false", "");
  }
  message->GetReflection()->SetBool(message, item.field, item.value->text == "true");
}

void MessageReader::ReadEnum(const Item& item, Message* message) {
  const auto* value = FindEnumValue(item.field->enum_type(), item.value->text);
  if (value == nullptr) {
    const std::vector<std::string> texts = EnumTexts(item.field->enum_type());
    const std::string nearest = NearestOf(item.value->text, texts);
    return Fault(item.value->place,
                 absl::StrCat("'", item.field->name(), "' has no value '", item.value->text, "'"),
                 nearest.empty() ? absl::StrCat("use ", absl::StrJoin(texts, " or "))
                                 : absl::StrCat("did you mean '", nearest, "'?"));
  }
  message->GetReflection()->SetEnum(message, item.field, value);
}

// True when the message has a shorthand: it was read, or its fault was noted.
bool MessageReader::ReadShorthand(const Item& item, Message* message) {
  if (message->GetDescriptor() == v1::NodeRange::descriptor()) {
    ReadNodes(item, message);
    return true;
  }
  if (message->GetDescriptor() == v1::SuccessPolicy::descriptor()) {
    ReadSuccess(item, message);
    return true;
  }
  return false;
}

void MessageReader::ReadNodes(const Item& item, Message* message) {
  int32_t nodes = 0;
  if (!absl::SimpleAtoi(item.value->text, &nodes)) {
    return BadValue(item, "a number of hosts", "write 4, or {min: 2, max: 4}");
  }
  if (nodes == 0) {
    return Fault(item.value->place, "'nodes' is 0", "use at least 1, or leave the line out");
  }
  auto* range = google::protobuf::DynamicCastToGenerated<v1::NodeRange>(message);
  range->set_min(nodes);
  range->set_max(nodes);
}

void MessageReader::ReadSuccess(const Item& item, Message* message) {
  auto* success = google::protobuf::DynamicCastToGenerated<v1::SuccessPolicy>(message);
  const std::vector<std::string> words =
      absl::StrSplit(item.value->text, ' ', absl::SkipWhitespace());
  int32_t rank = 0;
  if (words.size() == 1 && words[0] == "all") {
    success->set_all(true);
  } else if (words.size() == 2 && words[0] == "role") {
    success->set_role(words[1]);
    places_[absl::StrCat(item.path, ".role")] = item.value->place;
  } else if (words.size() == 2 && words[0] == "rank" && absl::SimpleAtoi(words[1], &rank)) {
    success->set_rank(rank);
    places_[absl::StrCat(item.path, ".rank")] = item.value->place;
  } else {
    BadValue(item, "a success policy", "write all, role NAME or rank N");
  }
}

bool MessageReader::CheckOneof(const YamlEntry& entry, const Field* field, const Message& message) {
  const auto* oneof = field->real_containing_oneof();
  if (oneof == nullptr) return true;
  const Field* other = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
  if (other == nullptr) return true;
  Fault(entry.place,
        absl::StrCat("'", field->name(), "' and '", other->name(), "' exclude each other"),
        "keep one of the two");
  return false;
}

void MessageReader::UnknownField(const YamlEntry& entry, const std::string& path,
                                 const Message& message) {
  const std::vector<std::string> names = FieldNames(message);
  const std::string nearest = NearestOf(entry.key, names);
  const std::string parent = FieldPath(path);
  Fault(entry.place, absl::StrCat("unknown field '", entry.key, "'"),
        nearest.empty() ? absl::StrCat("'", parent, "' has ", Join(names))
                        : absl::StrCat("did you mean '", nearest, "'?"));
}

void MessageReader::WrongKind(const Item& item, const std::string& expected,
                              const std::string& help) {
  const size_t dot = item.path.find_last_of('.');
  Fault(item.value->place,
        absl::StrCat("'", item.path.substr(dot + 1), "' is ",
                     std::string(KindName(item.value->kind)), ", not ", expected),
        help);
}

void MessageReader::BadValue(const Item& item, const std::string& expected,
                             const std::string& help) {
  if (item.value->kind != YamlValue::Kind::kScalar) return WrongKind(item, expected, help);
  Fault(item.value->place,
        absl::StrCat("'", item.field->name(), "' is '", item.value->text, "', not ", expected),
        help);
}

void MessageReader::Fault(const SourcePlace& place, std::string message, std::string help) {
  faults_.push_back({place, std::move(message), std::move(help)});
}

}  // namespace muster

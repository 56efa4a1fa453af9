#include "ctl/frontend/rendezvous/json_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace muster {

std::string JsonString(absl::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&json, "\\", absl::string_view(&c, 1));
    } else if (c == '\n') {
      json += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&json, "\\u%04x", c);
    } else {
      json += c;
    }
  }
  return json + "\"";
}

std::string JsonObject(const std::map<std::string, std::string>& members) {
  std::string json = "{";
  for (const auto& [key, value] : members) {
    absl::StrAppend(&json, json.size() > 1 ? ", " : "", JsonString(key), ": ", JsonString(value));
  }
  return json + "}";
}

absl::StatusOr<std::map<std::string, std::string>> ParseJsonStrings(absl::string_view text) {
  google::protobuf::Struct object;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), &object);
  if (!status.ok()) return absl::InvalidArgumentError("expected a JSON object");
  std::map<std::string, std::string> members;
  for (const auto& [key, value] : object.fields()) {
    if (value.kind_case() != google::protobuf::Value::kStringValue) {
      return absl::InvalidArgumentError(absl::StrCat(key, ": expected a string"));
    }
    members[key] = value.string_value();
  }
  return members;
}

}  // namespace muster

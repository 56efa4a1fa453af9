#include "ctl/frontend/torchrun/error_file.h"

#include "absl/strings/numbers.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace muster {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

const Value* Find(const Struct& object, const char* name) {
  const auto found = object.fields().find(name);
  return found == object.fields().end() ? nullptr : &found->second;
}

// Torch writes the time as a number or as text.
int64_t Seconds(const Value* value) {
  int64_t seconds = 0;
  if (value == nullptr) return 0;
  if (value->kind_case() == Value::kNumberValue) return static_cast<int64_t>(value->number_value());
  return absl::SimpleAtoi(value->string_value(), &seconds) ? seconds : 0;
}

}  // namespace

std::optional<WorkerError> ParseWorkerError(absl::string_view json) {
  Struct object;
  if (!google::protobuf::util::JsonStringToMessage(std::string(json), &object).ok()) {
    return std::nullopt;
  }
  const Value* message = Find(object, "message");
  if (message == nullptr) return std::nullopt;
  WorkerError error;
  if (message->kind_case() == Value::kStringValue) {
    error.message = message->string_value();
    error.unix_time = Seconds(Find(object, "timestamp"));
    return error;
  }
  const Struct& inner = message->struct_value();
  const Value* text = Find(inner, "message");
  const Value* extra = Find(inner, "extraInfo");
  if (extra != nullptr) {
    const Value* stack = Find(extra->struct_value(), "py_callstack");
    if (stack != nullptr) text = stack;
    error.unix_time = Seconds(Find(extra->struct_value(), "timestamp"));
  }
  error.message = text == nullptr ? "<N/A>" : text->string_value();
  return error;
}

std::string ErrorFileForParent(absl::string_view json, int exit_code) {
  Struct object;
  if (!google::protobuf::util::JsonStringToMessage(std::string(json), &object).ok()) {
    return std::string(json);
  }
  const auto message = object.mutable_fields()->find("message");
  if (message != object.mutable_fields()->end() && message->second.has_struct_value()) {
    auto* fields = message->second.mutable_struct_value()->mutable_fields();
    (*fields)["errorCode"].set_number_value(exit_code);
  }
  std::string text;
  const bool written = google::protobuf::util::MessageToJsonString(object, &text).ok();
  return written ? text : std::string(json);
}

}  // namespace muster

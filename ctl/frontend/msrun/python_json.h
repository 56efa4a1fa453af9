#ifndef MUSTER_CTL_FRONTEND_MSRUN_PYTHON_JSON_H_
#define MUSTER_CTL_FRONTEND_MSRUN_PYTHON_JSON_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// A value that json.loads() gives, with the order of an object's keys.
struct JsonValue {
  enum class Kind { kObject, kList, kString, kInt, kFloat, kBool, kNone };
  Kind kind = Kind::kNone;
  std::string text;  // Of a string; of a number or constant as Python writes it.
  std::vector<JsonValue> items;
  std::vector<std::pair<std::string, JsonValue>> members;

  std::string Repr() const;      // As Python's repr().
  std::string TypeName() const;  // "<class 'str'>".
};

// json.loads(), with the words of its JSONDecodeError: flags are answered with them. Kept by hand
// for that, and because no parser here keeps the order of keys.
struct JsonParse {
  std::optional<JsonValue> value;
  std::string error;  // "Expecting value: line 1 column 1 (char 0)".
};
JsonParse ParsePythonJson(absl::string_view text);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_PYTHON_JSON_H_

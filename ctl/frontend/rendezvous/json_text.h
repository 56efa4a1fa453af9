// As much JSON as a rendezvous needs.
#ifndef MUSTER_CTL_FRONTEND_RENDEZVOUS_JSON_TEXT_H_
#define MUSTER_CTL_FRONTEND_RENDEZVOUS_JSON_TEXT_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// "text" with quotes and escapes.
std::string JsonString(absl::string_view text);
// {"key": "value", …}.
std::string JsonObject(const std::map<std::string, std::string>& members);
// The members of an object whose values are all strings. INVALID_ARGUMENT.
absl::StatusOr<std::map<std::string, std::string>> ParseJsonStrings(absl::string_view text);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_RENDEZVOUS_JSON_TEXT_H_

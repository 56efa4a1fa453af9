#ifndef MUSTER_CTL_VIEW_MESSAGE_TEXT_H_
#define MUSTER_CTL_VIEW_MESSAGE_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace muster {

// The message as protobuf's own JSON, with the names of the .proto file, two spaces deep, ending in
// a newline. No second schema: what the API says is what scripts read.
std::string MessageJson(const google::protobuf::Message& message);
// The same in one line, without the newline.
std::string MessageJsonLine(const google::protobuf::Message& message);

// JSON (well formed) as YAML: same names, same order.
std::string JsonToYaml(absl::string_view json);

// `text` as a JSON string, quotes included.
std::string JsonQuote(absl::string_view text);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_MESSAGE_TEXT_H_

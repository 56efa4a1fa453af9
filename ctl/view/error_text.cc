#include "ctl/view/error_text.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/error_details.h"
#include "ctl/view/message_text.h"

namespace muster {

std::string ErrorText(const absl::Status& status, const Terminal& terminal, bool raw) {
  const std::string message(status.message());
  std::string text;
  // An excerpt of a job file says so itself, and a launcher's usage has its own error line.
  if (absl::StartsWith(message, "error: ") || absl::StartsWith(message, "usage: ")) {
    text = absl::EndsWith(message, "\n") ? message : absl::StrCat(message, "\n");
  } else {
    text = absl::StrCat(terminal.Red("error:"), " ", message.empty() ? "unknown" : message, "\n");
  }
  const v1::ErrorDetails details = DetailsOf(status);
  std::set<std::string> told;
  for (const v1::ErrorDetail& detail : details.errors()) {
    if (detail.hint().empty() || !told.insert(detail.hint()).second) continue;
    if (absl::StrContains(message, detail.hint())) continue;  // Said with the fault.
    absl::StrAppend(&text, terminal.Bold("help:"), " ", detail.hint(), "\n");
  }
  if (raw) {
    absl::StrAppend(&text, "debug: ", absl::StatusCodeToString(status.code()), " ",
                    MessageJsonLine(details), "\n");
  }
  return text;
}

std::string ErrorJson(const absl::Status& status, int exit_code) {
  return absl::StrCat(
      "{\"source\": \"client\", \"exit_code\": ", exit_code,
      ", \"error\": {\"code\": ", JsonQuote(absl::StatusCodeToString(status.code())),
      ", \"message\": ", JsonQuote(std::string(status.message())),
      ", \"details\": ", MessageJsonLine(DetailsOf(status)), "}}\n");
}

}  // namespace muster

#ifndef MUSTER_CTL_VIEW_ERROR_TEXT_H_
#define MUSTER_CTL_VIEW_ERROR_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "ctl/view/terminal.h"

namespace muster {

// "error: …" and a "help: …" for each hint that the error carries. A text that brings its own
// "error:" lines (the job file's) stays as it is. `raw`: with the code and all details.
std::string ErrorText(const absl::Status& status, const Terminal& terminal, bool raw);

// {"source": "client", "exit_code": …, "error": {…}}, for -o json.
std::string ErrorJson(const absl::Status& status, int exit_code);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_ERROR_TEXT_H_

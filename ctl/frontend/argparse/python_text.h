// Values as Python reads and writes them, for messages that the original launchers make.
#ifndef MUSTER_CTL_FRONTEND_ARGPARSE_PYTHON_TEXT_H_
#define MUSTER_CTL_FRONTEND_ARGPARSE_PYTHON_TEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// repr() of a str: 'it', "it's", with escapes for what is not printable.
std::string PyRepr(absl::string_view text);

// What int() makes of `text`, in plain digits of any length; absent where it raises ValueError.
std::optional<std::string> PyInt(absl::string_view text);

// Whether float() takes `text`, and what it makes of it.
std::optional<double> PyFloat(absl::string_view text);

// The nearest int to what PyInt() gave.
int ClampToInt(const std::string& digits);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ARGPARSE_PYTHON_TEXT_H_

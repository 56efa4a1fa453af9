#ifndef MUSTER_CTL_SPEC_UTF8_H_
#define MUSTER_CTL_SPEC_UTF8_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace muster {

// Bytes of the well-formed UTF-8 character (RFC 3629) that `text` begins with; 0 when it begins
// with none.
size_t Utf8Length(absl::string_view text);

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_UTF8_H_

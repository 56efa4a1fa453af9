#ifndef MUSTER_CTL_SPEC_SOURCE_EXCERPT_H_
#define MUSTER_CTL_SPEC_SOURCE_EXCERPT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

// A place in a text. Lines and columns begin with 1; columns count bytes.
struct SourcePlace {
  int line = 1;
  int column = 1;
  int length = 1;  // Bytes to underline.
};

// Something wrong at a place.
struct SourceFault {
  SourcePlace place;
  std::string message;
  std::string help;  // Without "help: "; may be empty.
};

// The place of the byte at `offset`.
SourcePlace PlaceOfOffset(absl::string_view text, size_t offset);

// A fault as it is printed, like cargo's:
//
//   error: job.yaml:5:3: unknown field 'device_per_rank'
//       5 |   device_per_rank: {kind: nvidia, count: 1}
//         |   ^~~~~~~~~~~~~~~
//   help: did you mean 'devices_per_rank'?
//
// The printed column counts characters. Control characters are shown as '?', long lines cut.
std::string FormatFault(const std::string& file_name, absl::string_view text,
                        const SourceFault& fault);

// All faults in the order of their places, an empty line between two, at most 20.
std::string FormatFaults(const std::string& file_name, absl::string_view text,
                         std::vector<SourceFault> faults);

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_SOURCE_EXCERPT_H_

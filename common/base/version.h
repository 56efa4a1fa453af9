#ifndef MUSTER_COMMON_BASE_VERSION_H_
#define MUSTER_COMMON_BASE_VERSION_H_

namespace muster {

// Of all programs of one build: MAJOR.MINOR.PATCH. N and N-1 of MINOR work together.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_VERSION_H_

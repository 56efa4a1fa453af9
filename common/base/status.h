// Helpers around absl::Status. Messages: subject, cause, values; lower case, no final period.
#ifndef MUSTER_COMMON_BASE_STATUS_H_
#define MUSTER_COMMON_BASE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Returns from the enclosing function when `expr` is not OK.
#define MUSTER_RETURN_IF_ERROR(expr)                 \
  do {                                               \
    ::absl::Status muster_status_ = (expr);          \
    if (!muster_status_.ok()) return muster_status_; \
  } while (false)

#define MUSTER_CONCAT_INNER_(a, b) a##b
#define MUSTER_CONCAT_(a, b) MUSTER_CONCAT_INNER_(a, b)

// Assigns the value of a StatusOr to `lhs`, or returns its error.
#define MUSTER_ASSIGN_OR_RETURN(lhs, expr) \
  MUSTER_ASSIGN_OR_RETURN_IMPL_(MUSTER_CONCAT_(muster_status_or_, __LINE__), lhs, expr)
#define MUSTER_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  if (!tmp.ok()) return std::move(tmp).status();      \
  lhs = std::move(tmp).value()

namespace muster {

// Puts "context: " before the message of an error; OK stays OK. Keeps code and payloads.
absl::Status Annotate(const absl::Status& status, absl::string_view context);

// "what: No such file or directory". The code fits the errno (ENOENT → NOT_FOUND, …).
absl::Status ErrnoStatus(int error, absl::string_view what);

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_STATUS_H_

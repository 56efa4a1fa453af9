#include "common/rpc/error_details.h"

#include <string>

#include "absl/strings/cord.h"

namespace muster {

absl::Status WithDetail(const absl::Status& status, absl::string_view reason,
                        absl::string_view field_path, absl::string_view hint) {
  v1::ErrorDetails details = DetailsOf(status);
  v1::ErrorDetail* detail = details.add_errors();
  detail->set_reason(std::string(reason));
  detail->set_field_path(std::string(field_path));
  detail->set_hint(std::string(hint));
  return WithDetails(status, details);
}

absl::Status WithDetails(const absl::Status& status, const v1::ErrorDetails& details) {
  absl::Status detailed = status;
  if (!detailed.ok())
    detailed.SetPayload(kErrorDetailsUrl, absl::Cord(details.SerializeAsString()));
  return detailed;
}

v1::ErrorDetails DetailsOf(const absl::Status& status) {
  v1::ErrorDetails details;
  const auto payload = status.GetPayload(kErrorDetailsUrl);
  if (payload.has_value() && !details.ParseFromString(std::string(*payload))) details.Clear();
  return details;
}

}  // namespace muster

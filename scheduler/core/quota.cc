#include "scheduler/core/quota.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/job/job_defaults.h"
#include "common/job/rank_map.h"

namespace muster {

Amounts AmountsOf(const v1::JobSpec& spec, int num_nodes) {
  Amounts amounts = {{"running", 1}, {"hosts", num_nodes}};
  for (const v1::RoleSpec& role : spec.roles()) {
    const int64_t ranks = RoleCount(role, num_nodes);
    amounts["ranks"] += ranks;
    const v1::DeviceRequest& devices = DevicesOf(spec, role);
    if (devices.count() > 0) {
      amounts[absl::StrCat("devices.", devices.kind())] += ranks * devices.count();
    }
  }
  return amounts;
}

Amounts AmountsOf(const v1::Placement& placement) {
  Amounts amounts = {{"running", 1}, {"hosts", placement.nodes_size()}};
  for (const v1::NodePlacement& node : placement.nodes()) {
    amounts["ranks"] += node.ranks_size();
    for (const v1::DeviceId& device : node.devices()) {
      ++amounts[absl::StrCat("devices.", device.kind())];
    }
  }
  return amounts;
}

void AddAmounts(const Amounts& more, Amounts* sum) {
  for (const auto& [what, amount] : more) (*sum)[what] += amount;
}

int64_t Quota::LimitOf(const std::string& user, const std::string& what) const {
  const auto own = users_.find(user);
  if (own != users_.end()) {
    const auto limit = own->second.find(what);
    if (limit != own->second.end()) return limit->second;
  }
  const auto limit = defaults_.find(what);
  return limit == defaults_.end() ? kUnlimited : limit->second;
}

absl::Status Quota::Check(const std::string& user, const Amounts& used,
                          const Amounts& wanted) const {
  for (const auto& [what, amount] : wanted) {
    const int64_t limit = LimitOf(user, what);
    const auto in_use = used.find(what);
    const int64_t has = in_use == used.end() ? 0 : in_use->second;
    if (limit == kUnlimited || has + amount <= limit) continue;
    return absl::ResourceExhaustedError(absl::StrCat("quota of ", user, ": ", what, "=", limit,
                                                     ", ", has, " in use, ", amount,
                                                     has == 0 ? " needed" : " more needed"));
  }
  return absl::OkStatus();
}

int Quota::MostNodes(const std::string& user, const Amounts& used, const v1::JobSpec& spec,
                     absl::Status* why) const {
  const auto may_have = [&](int n) { return Check(user, used, AmountsOf(spec, n)); };
  int low = std::max(spec.nodes().min(), 1);
  int high = std::max(spec.nodes().max(), low);
  *why = may_have(low);
  if (!why->ok()) return 0;
  while (low < high) {  // A larger gang takes nothing less.
    const int middle = high - (high - low) / 2;
    if (may_have(middle).ok()) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace muster

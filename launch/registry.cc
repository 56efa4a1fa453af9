#include "launch/registry.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"
#include "common/job/job_check.h"
#include "common/job/job_defaults.h"
#include "launch/device_support.h"
#include "launch/mindspore.h"
#include "launch/paddle_collective.h"
#include "launch/paddle_heter.h"
#include "launch/paddle_ipu.h"
#include "launch/paddle_ps.h"
#include "launch/paddle_rpc.h"
#include "launch/plain.h"
#include "launch/rank_table.h"
#include "launch/torch.h"

namespace muster {
namespace {

// One line per contract.
const std::vector<const LaunchContract*>& Contracts() {
  static const auto* const kContracts = new std::vector<const LaunchContract*>{
      new MindSporeContract, new PaddleCollectiveContract, new PaddleHeterContract,
      new PaddleIpuContract, new PaddlePsContract,         new PaddleRpcContract,
      new PlainContract,     new RankTableContract,        new TorchContract,
  };
  return *kContracts;
}

}  // namespace

absl::StatusOr<const LaunchContract*> FindContract(absl::string_view name) {
  for (const LaunchContract* contract : Contracts()) {
    if (contract->name() == name) return contract;
  }
  return absl::NotFoundError(absl::StrCat("contract: there is no contract '", name,
                                          "'; use one of ", absl::StrJoin(ContractNames(), ", ")));
}

std::vector<std::string> ContractNames() {
  std::vector<std::string> names;
  for (const LaunchContract* contract : Contracts()) names.emplace_back(contract->name());
  std::sort(names.begin(), names.end());
  return names;
}

void CompleteSpec(v1::JobSpec* spec) {
  const v1::SuccessPolicy success = spec->success();
  FillJobDefaults(spec);
  const absl::StatusOr<const LaunchContract*> contract = FindContract(spec->contract());
  if (!contract.ok()) return;
  // The contract may know better than `all`, where the user did not say who must succeed.
  if (success.who_case() == v1::SuccessPolicy::WHO_NOT_SET) *spec->mutable_success() = success;
  (*contract)->Complete(spec);
  FillJobDefaults(spec);
}

RoleNeeds NeedsOfRole(const std::vector<RoleNeeds>& needs, const std::string& role) {
  const auto found = std::find_if(needs.begin(), needs.end(),
                                  [&role](const RoleNeeds& of) { return of.role == role; });
  return found == needs.end() ? RoleNeeds{role} : *found;
}

absl::Status CheckContract(const v1::JobSpec& spec) {
  const absl::StatusOr<const LaunchContract*> contract = FindContract(spec.contract());
  // To whoever submitted it, this too is a fault of the spec.
  if (!contract.ok()) return absl::InvalidArgumentError(contract.status().message());
  MUSTER_RETURN_IF_ERROR(CheckEveryHostHasRanks(spec));
  MUSTER_RETURN_IF_ERROR(CheckDeviceSupport(spec));
  return (*contract)->Check(spec);
}

}  // namespace muster

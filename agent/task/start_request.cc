#include "agent/task/start_request.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/job/exit_result.h"
#include "common/job/job_names.h"
#include "common/job/rank_map.h"

namespace muster {

absl::Status CheckStart(const v1::StartGangRequest& request) {
  const int nodes = request.placement().nodes_size();
  if (request.node_rank() < 0 || request.node_rank() >= nodes) {
    return absl::InvalidArgumentError(absl::StrCat("node_rank: ", request.node_rank(),
                                                   " is not in a placement of ", nodes, " nodes"));
  }
  const v1::NodePlacement& here = HostOf(request);
  if (here.ranks().empty()) return absl::InvalidArgumentError("placement: no ranks for this host");
  if (request.spec().workdir().empty() || request.spec().workdir()[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("workdir: \"", request.spec().workdir(), "\" is not an absolute path"));
  }
  std::set<std::pair<std::string, int>> seen;
  for (const v1::RankPlacement& rank : here.ranks()) {
    if (!IsJobName(rank.role()) || rank.rank() < 0) {
      return absl::InvalidArgumentError(absl::StrCat("placement: role \"", rank.role(), "\", rank ",
                                                     rank.rank(), " cannot be a rank's name"));
    }
    const std::string label = RankLabel(rank.role(), rank.rank());
    if (FindRole(request.spec(), rank.role()) < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("placement: ", label, ": no such role in spec"));
    }
    if (!seen.emplace(rank.role(), rank.rank()).second) {
      return absl::InvalidArgumentError(absl::StrCat("placement: ", label, " is there twice"));
    }
    for (int device : rank.devices()) {
      if (device >= 0 && device < here.devices_size()) continue;
      return absl::InvalidArgumentError(absl::StrCat("placement: ", label, ": device index ",
                                                     device, " of ", here.devices_size(),
                                                     " devices"));
    }
  }
  return absl::OkStatus();
}

const v1::NodePlacement& HostOf(const v1::StartGangRequest& request) {
  return request.placement().nodes(request.node_rank());
}

CgroupLimits CgroupLimitsOf(const v1::JobSpec& spec) {
  CgroupLimits limits;
  if (spec.limits().has_memory()) limits.memory_bytes = spec.limits().memory();
  if (spec.limits().has_processes()) limits.processes = spec.limits().processes();
  return limits;
}

bool RestartsRanks(const v1::JobSpec& spec) {
  return spec.restart().scope() == v1::RESTART_SCOPE_RANK && spec.restart().max_restarts() > 0;
}

bool KeepsFence(const v1::JobSpec& spec) {
  return spec.on_partition() != v1::PARTITION_ACTION_CONTINUE;
}

bool StopsGang(const v1::JobSpec& spec) {
  // A rank that may start again alone leaves the others be; the scheduler stops the gang when the
  // restarts are used up. And where a success is waited out (clean_up: wait), a failure after it is
  // on record and no more; whether there has been one, on all hosts, the scheduler knows alone.
  const v1::SuccessPolicy& success = spec.success();
  const bool of_some = success.has_role() || success.has_rank();
  const bool waits = of_some && success.clean_up() != v1::CLEAN_UP_STOP;
  return spec.on_failure() != v1::FAILURE_ACTION_CONTINUE && !RestartsRanks(spec) && !waits;
}

}  // namespace muster

#include "common/job/job_defaults.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "common/base/fs.h"
#include "common/job/job_names.h"

namespace muster {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int kLeastHostRestarts = 10;

void FillNodes(v1::NodeRange* nodes) {
  if (nodes->min() == 0) nodes->set_min(1);
  if (nodes->max() == 0) nodes->set_max(nodes->min());
}

void FillDevices(v1::DeviceRequest* devices) {
  if (devices->visible() == v1::VISIBLE_DEVICES_UNSPECIFIED) {
    devices->set_visible(v1::VISIBLE_DEVICES_HOST);
  }
}

void FillRoles(v1::JobSpec* spec) {
  if (spec->has_devices_per_rank()) FillDevices(spec->mutable_devices_per_rank());
  if (spec->roles().empty()) {
    v1::RoleSpec* worker = spec->add_roles();
    worker->set_name(kWorkerRole);
    worker->set_per_node(spec->ranks_per_node() == 0 ? 1 : spec->ranks_per_node());
    spec->clear_ranks_per_node();
  }
  for (v1::RoleSpec& role : *spec->mutable_roles()) {
    if (role.count() == 0 && role.per_node() == 0) role.set_per_node(1);
    if (role.has_devices_per_rank()) {
      FillDevices(role.mutable_devices_per_rank());
    } else if (spec->has_devices_per_rank()) {
      *role.mutable_devices_per_rank() = spec->devices_per_rank();
    }
  }
}

// Exit codes by which Paddle's scripts ask their launcher for a restart: ELASTIC_EXIT_CODE, and
// ELASTIC_AUTO_PARALLEL_EXIT_CODE (python/paddle/distributed/fleet/elastic/manager.py).
constexpr int kPaddleRestartCodes[] = {101, 102};

void FillPaddleRestartCodes(v1::RestartSpec* restart) {
  if (!restart->always_on().empty()) return;
  for (const int code : kPaddleRestartCodes) {
    const auto& never = restart->never_on();
    if (std::find(never.begin(), never.end(), code) == never.end()) restart->add_always_on(code);
  }
}

// The one that is left out never contradicts the other.
void FillDelays(v1::RestartSpec* restart) {
  if (!restart->has_first_delay()) {
    restart->mutable_first_delay()->set_seconds(1);
    const auto& longest = restart->max_delay();
    if (restart->has_max_delay() && longest.seconds() == 0 && longest.nanos() >= 0) {
      *restart->mutable_first_delay() = longest;
    }
  }
  if (restart->has_max_delay()) return;
  restart->mutable_max_delay()->set_seconds(60);
  if (restart->first_delay().seconds() >= 60) {
    *restart->mutable_max_delay() = restart->first_delay();
  }
}

void FillRestart(v1::JobSpec* spec) {
  v1::RestartSpec* const restart = spec->mutable_restart();
  if (restart->scope() == v1::RESTART_SCOPE_UNSPECIFIED) {
    restart->set_scope(v1::RESTART_SCOPE_GANG);
  }
  if (!restart->has_window()) restart->mutable_window()->set_seconds(600);
  FillDelays(restart);
  if (!restart->has_max_host_restarts()) {
    // To go on without a host is what an elastic job is for.
    const int least = spec->nodes().min() < spec->nodes().max() ? 1 : 0;
    restart->set_max_host_restarts(DefaultHostRestarts(std::max(restart->max_restarts(), least)));
  }
  if (restart->max_restarts() > 0 && absl::StartsWith(spec->contract(), "paddle_")) {
    FillPaddleRestartCodes(restart);
  }
}

void FillPolicies(v1::JobSpec* spec) {
  if (spec->on_failure() == v1::FAILURE_ACTION_UNSPECIFIED) {
    spec->set_on_failure(v1::FAILURE_ACTION_STOP_GANG);
  }
  v1::SuccessPolicy* success = spec->mutable_success();
  if (success->who_case() == v1::SuccessPolicy::WHO_NOT_SET) success->set_all(true);
  if (success->clean_up() == v1::CLEAN_UP_UNSPECIFIED) success->set_clean_up(v1::CLEAN_UP_WAIT);

  FillRestart(spec);
  if (spec->bind() == v1::CORE_BINDING_UNSPECIFIED) spec->set_bind(v1::CORE_BINDING_NONE);
  if (spec->on_partition() == v1::PARTITION_ACTION_UNSPECIFIED) {
    spec->set_on_partition(v1::PARTITION_ACTION_FENCE);
  }
  if (spec->placement() == v1::PLACEMENT_STRATEGY_UNSPECIFIED) {
    spec->set_placement(v1::PLACEMENT_STRATEGY_PACK);
  }
}

bool IsZero(const google::protobuf::Duration& duration) {
  return duration.seconds() == 0 && duration.nanos() == 0;
}

void FillTimeouts(v1::Timeouts* timeouts) {
  if (IsZero(timeouts->start())) timeouts->mutable_start()->set_seconds(60);
  if (IsZero(timeouts->elastic())) timeouts->mutable_elastic()->set_seconds(30);
  if (IsZero(timeouts->stop_grace())) timeouts->mutable_stop_grace()->set_seconds(10);
}

void FillLogs(v1::LogSpec* logs) {
  if (!logs->has_segment_size()) logs->set_segment_size(64 * kMiB);
  // A file in the user's directory is never cut, so that only the disk bounds it.
  if (!logs->has_max_size()) logs->set_max_size(logs->dir().empty() ? 1024 * kMiB : -1);
  if (logs->full() == v1::LOG_FULL_POLICY_UNSPECIFIED) {
    logs->set_full(logs->dir().empty() ? v1::LOG_FULL_POLICY_DROP_OLDEST
                                       : v1::LOG_FULL_POLICY_BLOCK);
  }
}

std::string NameOfCommand(const v1::JobSpec& spec) {
  for (const v1::RoleSpec& role : spec.roles()) {
    const auto& command = CommandOf(spec, role);
    if (!command.empty()) return JobNameFrom(BaseName(command[0]));
  }
  return JobNameFrom("");
}

}  // namespace

void FillJobDefaults(v1::JobSpec* spec) {
  if (spec->contract().empty()) spec->set_contract("plain");
  FillNodes(spec->mutable_nodes());
  FillRoles(spec);
  if (spec->name().empty()) spec->set_name(NameOfCommand(*spec));
  if (spec->workdir().empty()) spec->set_workdir("/");
  if (spec->umask().empty()) spec->set_umask("022");
  FillPolicies(spec);
  FillTimeouts(spec->mutable_timeouts());
  FillLogs(spec->mutable_logs());
}

int DefaultHostRestarts(int max_restarts) {
  return max_restarts == 0 ? 0 : std::max(max_restarts, kLeastHostRestarts);
}

const google::protobuf::RepeatedPtrField<std::string>& CommandOf(const v1::JobSpec& spec,
                                                                 const v1::RoleSpec& role) {
  return role.command().empty() ? spec.command() : role.command();
}

const v1::DeviceRequest& DevicesOf(const v1::JobSpec& spec, const v1::RoleSpec& role) {
  return role.has_devices_per_rank() ? role.devices_per_rank() : spec.devices_per_rank();
}

}  // namespace muster

#include "agent/task/gang_plan.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/shim/log_format.h"
#include "agent/task/node_lease.h"
#include "agent/task/start_request.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/job/exit_result.h"
#include "launch/render.h"

namespace muster {
namespace {

constexpr int kUmaskDefault = 022;

std::vector<std::pair<int32_t, int64_t>> RlimitsOf(const v1::Limits& limits) {
  std::vector<std::pair<int32_t, int64_t>> rlimits;
  if (limits.has_open_files()) rlimits.emplace_back(RLIMIT_NOFILE, limits.open_files());
  if (limits.has_core_size()) rlimits.emplace_back(RLIMIT_CORE, limits.core_size());
  if (limits.has_locked_memory()) rlimits.emplace_back(RLIMIT_MEMLOCK, limits.locked_memory());
  if (limits.has_stack()) rlimits.emplace_back(RLIMIT_STACK, limits.stack());
  if (limits.has_file_size()) rlimits.emplace_back(RLIMIT_FSIZE, limits.file_size());
  return rlimits;
}

absl::StatusOr<uint32_t> UmaskOf(const v1::JobSpec& spec) {
  if (spec.umask().empty()) return kUmaskDefault;
  char* end = nullptr;
  const unsigned long value = strtoul(spec.umask().c_str(), &end, 8);
  if (*end != '\0' || value > 0777) {
    return absl::InvalidArgumentError(
        absl::StrCat("umask: \"", spec.umask(), "\" is not an octal mode like \"022\""));
  }
  return static_cast<uint32_t>(value);
}

LogFull LogFullOf(const v1::LogSpec& logs) {
  switch (logs.full()) {
    case v1::LOG_FULL_POLICY_BLOCK:
      return LogFull::kBlock;
    case v1::LOG_FULL_POLICY_DROP_OLDEST:
      return LogFull::kDropOldest;
    case v1::LOG_FULL_POLICY_DROP_NEW:
      return LogFull::kDropNew;
    default:
      return logs.dir().empty() ? LogFull::kDropOldest : LogFull::kBlock;
  }
}

int NumaNodeOf(const v1::NodePlacement& here, const v1::RankPlacement& rank,
               const std::vector<v1::Device>& devices) {
  if (rank.devices().empty()) return -1;
  const v1::DeviceId& first = here.devices(rank.devices(0));
  for (const v1::Device& device : devices) {
    if (device.kind() == first.kind() && device.physical() == first.physical()) {
      return device.numa_node();
    }
  }
  return -1;
}

// All of the plan that does not depend on a rank.
absl::StatusOr<ShimPlan> PlanGang(const v1::StartGangRequest& request, const GangPlanHost& host) {
  const v1::JobSpec& spec = request.spec();
  ShimPlan plan;
  plan.job_id = request.gang().job_id();
  plan.attempt = request.gang().attempt();
  plan.epoch = request.gang().epoch();
  plan.gang_dir = host.gang_dir;
  MUSTER_ASSIGN_OR_RETURN(plan.umask, UmaskOf(spec));
  plan.rlimits = RlimitsOf(spec.limits());
  if (spec.timeouts().has_stop_grace()) {
    const google::protobuf::Duration& grace = spec.timeouts().stop_grace();
    plan.stop_grace_ms = grace.seconds() * 1000 + grace.nanos() / 1000000;
  }
  plan.stop_gang = StopsGang(spec);
  plan.tty = spec.tty();
  plan.durable = host.durable;
  plan.fence_until_ns = LeaseEndNs(host.fence_until);
  plan.fence_grace_ms = absl::ToInt64Milliseconds(host.fence_grace);
  plan.log_full = LogFullOf(spec.logs());
  if (spec.logs().has_segment_size()) plan.segment_size = spec.logs().segment_size();
  if (spec.logs().has_max_size()) plan.max_size = spec.logs().max_size();
  if (plan.max_size < 0) plan.max_size = std::numeric_limits<int64_t>::max();
  return plan;
}

ShimRank PlanRank(const v1::RankPlacement& rank, RenderedRank rendered,
                  const std::string& log_dir) {
  ShimRank plan;
  plan.role = rank.role();
  plan.rank = rank.rank();
  plan.argv = std::move(rendered.argv);
  for (const auto& [name, value] : rendered.env) plan.env.push_back(absl::StrCat(name, "=", value));
  plan.workdir = std::move(rendered.workdir);
  if (!log_dir.empty()) {
    plan.out_path = JoinPath(log_dir, rendered.logs.out);
    plan.err_path = JoinPath(log_dir, rendered.logs.err);
    plan.create_empty = rendered.logs.create_empty;
  }
  return plan;
}

// Moves what is to be written and looked at before the start from a rank to its host's plan.
void TakeFiles(const std::string& gang_dir, RenderedRank* rendered, HostGangPlan* plan) {
  for (LaunchFile& file : rendered->files) {
    file.path = JoinPath(gang_dir, file.path);
    plan->files.push_back(std::move(file));
  }
  for (LaunchInput& input : rendered->inputs) {
    const auto same = [&input](const LaunchInput& other) { return other.path == input.path; };
    if (std::any_of(plan->inputs.begin(), plan->inputs.end(), same)) continue;
    plan->inputs.push_back(std::move(input));
  }
}

// Deals processors to the ranks that the binding is for; `numa_nodes` has one entry for each.
absl::Status BindRanks(v1::CoreBinding binding, const Topology& topology,
                       const std::vector<int>& numa_nodes, const std::vector<size_t>& bound,
                       ShimPlan* plan) {
  MUSTER_ASSIGN_OR_RETURN(const std::vector<std::vector<int>> cpus,
                          topology.Bind(binding, numa_nodes));
  for (size_t i = 0; i < std::min(cpus.size(), bound.size()); ++i) {
    plan->ranks[bound[i]].cpus.assign(cpus[i].begin(), cpus[i].end());
  }
  return absl::OkStatus();
}

absl::Status CheckInput(const LaunchInput& input) {
  if (!input.check) {
    if (access(input.path.c_str(), R_OK) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat(input.field, ": ", input.path));
  }
  const absl::StatusOr<std::string> bytes = ReadFile(input.path);
  return Annotate(bytes.ok() ? input.check(*bytes) : bytes.status(), input.field);
}

}  // namespace

absl::StatusOr<HostGangPlan> BuildGangPlan(const v1::StartGangRequest& request,
                                           const GangPlanHost& host) {
  const v1::JobSpec& spec = request.spec();
  const v1::NodePlacement& here = HostOf(request);
  const std::string log_dir =
      spec.logs().dir().empty() ? "" : JoinPath(spec.workdir(), spec.logs().dir());
  HostGangPlan plan;
  plan.workdir = spec.workdir();
  MUSTER_ASSIGN_OR_RETURN(plan.shim, PlanGang(request, host));
  std::vector<int> numa_nodes;
  std::vector<size_t> bound;  // Indices of the ranks that these nodes are for.
  for (const v1::RankPlacement& rank : here.ranks()) {
    LaunchContext context;
    context.spec = &spec;
    context.placement = &request.placement();
    context.node_rank = request.node_rank();
    context.rank = &rank;
    context.job_id = request.gang().job_id();
    context.attempt = request.gang().attempt();
    context.gang_dir = host.gang_dir;
    absl::StatusOr<RenderedRank> rendered = RenderRank(context, host.base_env);
    if (!rendered.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(RankLabel(rank.role(), rank.rank()), ": ", rendered.status().message()));
    }
    TakeFiles(host.gang_dir, &*rendered, &plan);
    if (rendered->bind) {
      bound.push_back(plan.shim.ranks.size());
      numa_nodes.push_back(NumaNodeOf(here, rank, host.devices));
    }
    plan.shim.ranks.push_back(PlanRank(rank, *std::move(rendered), log_dir));
  }
  std::set<std::string> log_dirs;  // Names may have directories of their own.
  for (const ShimRank& rank : plan.shim.ranks) {
    if (rank.out_path.empty()) continue;
    log_dirs.insert(DirName(rank.out_path));
    log_dirs.insert(DirName(rank.err_path));
  }
  plan.log_dirs.assign(log_dirs.begin(), log_dirs.end());
  MUSTER_RETURN_IF_ERROR(BindRanks(spec.bind(), *host.topology, numa_nodes, bound, &plan.shim));
  return plan;
}

absl::Status WriteGangPlan(const HostGangPlan& plan) {
  if (!PathExists(plan.workdir)) return ErrnoStatus(errno, absl::StrCat("workdir ", plan.workdir));
  for (const LaunchInput& input : plan.inputs) MUSTER_RETURN_IF_ERROR(CheckInput(input));
  for (const ShimRank& rank : plan.shim.ranks) {
    if (rank.workdir == plan.workdir) continue;
    MUSTER_RETURN_IF_ERROR(Annotate(MakeDirs(rank.workdir, 0777 & ~plan.shim.umask), "workdir"));
  }
  for (const std::string& dir : plan.log_dirs) {
    MUSTER_RETURN_IF_ERROR(Annotate(MakeDirs(dir, 0777 & ~plan.shim.umask), "logs.dir"));
  }
  for (const LaunchFile& file : plan.files) {
    MUSTER_RETURN_IF_ERROR(MakeDirs(DirName(file.path)));
    MUSTER_RETURN_IF_ERROR(
        Annotate(WriteFile(file.path, file.bytes, file.mode), "launch contract's file"));
  }
  return WriteFile(JoinPath(plan.shim.gang_dir, kPlanFile), EncodeShimPlan(plan.shim));
}

}  // namespace muster

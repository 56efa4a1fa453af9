#include "ctl/frontend/msrun/msrun.h"

#include <unistd.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/event_loop.h"
#include "common/base/status.h"
#include "ctl/cmd/signals.h"
#include "ctl/frontend/msrun/console.h"
#include "ctl/frontend/msrun/flags.h"
#include "ctl/frontend/msrun/host_facts.h"
#include "ctl/frontend/msrun/msrun_job.h"
#include "ctl/frontend/msrun/msrun_spec.h"
#include "ctl/frontend/msrun/plan.h"
#include "ctl/frontend/msrun/preflight.h"
#include "ctl/view/output.h"

namespace muster {
namespace {

constexpr int kExitError = 1;  // Of any Python exception.
constexpr int kExitUsage = 2;  // Of argparse.

absl::StatusOr<MsrunHost> ReadHost(const MsrunFlags& flags, const FrontendCall& call) {
  MsrunHost host;
  MUSTER_ASSIGN_OR_RETURN(host.master_ip, ResolveMaster(flags.master_addr));
  MUSTER_ASSIGN_OR_RETURN(host.source_ip, SourceAddress(host.master_ip));
  host.addresses = InterfaceAddresses();
  host.hostname = HostName();
  if (flags.bind_core.kind != BindCore::Kind::kOff) {
    host.cpus = ReadCpuTopology(call.env, /*devices=*/!flags.sim_level);
  }
  host.env = call.env;
  return host;
}

absl::StatusOr<MsrunPlan> Prepare(const MsrunFlags& flags, const FrontendCall& call) {
  MUSTER_ASSIGN_OR_RETURN(const MsrunHost host, ReadHost(flags, call));
  MUSTER_ASSIGN_OR_RETURN(MsrunPlan plan, PlanMsrun(flags, host));
  MUSTER_RETURN_IF_ERROR(PrepareMsrun(flags, plan));
  return plan;
}

int Run(const FrontendCall& call) {
  const MsrunParse parse = ParseMsrun(call.words);
  if (parse.help) {
    Output(STDOUT_FILENO).Write(*parse.help);
    return 0;
  }
  if (parse.usage_error) {
    Output(STDERR_FILENO).Write(*parse.usage_error);
    return kExitUsage;
  }
  // Nothing runs yet: a signal may end us where we stand, in a slow answer of DNS for one.
  const absl::StatusOr<MsrunPlan> plan = Prepare(parse.flags, call);
  if (!plan.ok()) {
    Output(STDERR_FILENO).Write(absl::StrCat(std::string(plan.status().message()), "\n"));
    return kExitError;
  }
  Signals signals;
  const auto level = call.env.find("GLOG_v");
  MsrunConsole console(MsLogLevel(level == call.env.end() ? "" : level->second), signals.fd());
  EventLoop loop;
  return MsrunJob(MsrunJob::Options(), parse.flags, *plan, &loop, &signals, &console).Run();
}

}  // namespace

const Frontend& MsrunFrontend() {
  static const auto* const kFrontend = [] {
    auto* frontend = new Frontend;
    frontend->name = "msrun";
    frontend->summary = "MindSpore's launcher: scheduler process and this host's workers";
    frontend->run = Run;
    frontend->match = MatchMsrun;
    frontend->to_job = MsrunToJob;
    return frontend;
  }();
  return *kFrontend;
}

}  // namespace muster

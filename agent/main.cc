// msagentd: the node agent. Flags become options, options become a daemon, the daemon runs.
#include <malloc.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/daemon.h"
#include "agent/exit_codes.h"
#include "agent/options.h"
#include "agent/sd_notify.h"
#include "agent/signals.h"
#include "common/base/event_loop.h"
#include "common/base/open_files.h"
#include "common/base/version.h"
#include "gflags/gflags.h"
#include "glog/logging.h"
#include "grpc/support/log.h"

DECLARE_bool(logtostderr);

namespace {

// Each malloc arena costs an idle agent up to a megabyte; its threads are few and seldom allocate
// at once.
constexpr int kMallocArenas = 2;

// gRPC's own lines go where ours go.
void LogForGrpc(gpr_log_func_args* args) {
  switch (args->severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      VLOG(1) << args->message;
      break;
    case GPR_LOG_SEVERITY_INFO:
      LOG(INFO) << args->message;
      break;
    case GPR_LOG_SEVERITY_ERROR:
      LOG(WARNING) << args->message;
      break;
  }
}

int Refuse(const absl::Status& status) {
  std::fprintf(stderr, "msagentd: %s\n", std::string(status.message()).c_str());
  return muster::kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  muster::BlockSignals();
  mallopt(M_ARENA_MAX, kMallocArenas);
  muster::RaiseOpenFiles();  // A scheduler has several for each of its agents.
  umask(0077);               // What the agent makes is the agent's. Ranks get their job's own mask.
  FLAGS_logtostderr = true;

  muster::AgentOptions options;
  const absl::StatusOr<muster::AgentVerb> verb =
      muster::ParseAgentOptions(std::vector<std::string>(argv + 1, argv + argc), &options);
  if (!verb.ok()) return Refuse(verb.status());
  switch (*verb) {
    case muster::AgentVerb::kHelp:
      std::fputs(muster::AgentHelp().c_str(), stdout);
      return muster::kExitOk;
    case muster::AgentVerb::kVersion:
      std::printf("msagentd %s\n", muster::kVersion);
      return muster::kExitOk;
    case muster::AgentVerb::kCheckConfig:
      for (const std::string& warning : muster::WarningsOf(options)) {
        std::fprintf(stderr, "msagentd: warning: %s\n", warning.c_str());
      }
      std::puts("msagentd: the configuration is good");
      return muster::kExitOk;
    case muster::AgentVerb::kRun:
      break;
  }
  google::InitGoogleLogging(argv[0]);
  gpr_set_log_function(&LogForGrpc);
  for (const std::string& warning : muster::WarningsOf(options)) LOG(WARNING) << warning;
  absl::StatusOr<muster::SdNotify> notify = muster::SdNotify::FromEnvironment();
  if (!notify.ok()) return Refuse(notify.status());

  // Never destroyed: gRPC's threads may still post to it while the process ends.
  static auto* const loop = new muster::EventLoop;
  return muster::Daemon(options, *std::move(notify), loop).Run();
}

#include "ctl/frontend/paddle/launcher.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/event_loop.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/cmd/signals.h"
#include "ctl/frontend/engine/log_follower.h"
#include "ctl/frontend/engine/process_set.h"
#include "ctl/frontend/engine/spawn.h"
#include "ctl/frontend/paddle/copy_command.h"
#include "ctl/frontend/paddle/elastic_job.h"
#include "ctl/frontend/paddle/flags.h"
#include "ctl/frontend/paddle/host.h"
#include "ctl/frontend/paddle/http_job.h"
#include "ctl/frontend/paddle/ipu.h"
#include "ctl/frontend/paddle/job_files.h"
#include "ctl/frontend/paddle/job_mode.h"
#include "ctl/frontend/paddle/launch_log.h"
#include "ctl/frontend/paddle/legacy.h"
#include "ctl/frontend/paddle/running_job.h"
#include "ctl/frontend/paddle/static_job.h"
#include "ctl/view/output.h"
#include "launch/paddle_env.h"

namespace muster {
namespace {

constexpr char kRule[] = "--------------------------------------------------";
constexpr absl::Duration kForcedGrace = absl::Seconds(10);

// An error with an exit status of its own.
struct Refusal {
  int exit_code = 0;
  std::string text;  // Empty: none.
};

// One call of the launcher. Lives on the main thread.
class Launcher {
 public:
  Launcher(const FrontendCall& call, PaddleCommandLine line)
      : call_(call),
        line_(std::move(line)),
        log_(line_.flags.log_level, signals_.fd()),
        out_(STDOUT_FILENO, signals_.fd()) {}

  int Run() {
    ShowConfiguration();
    const absl::Status prepared = Prepare();
    if (!prepared.ok()) return Refuse({1, std::string(prepared.message())});
    const Refusal refusal = CheckScript();
    if (!refusal.text.empty()) return Refuse(refusal);
    const Refusal bad_job = MakeJob();
    if (!bad_job.text.empty()) return Refuse(bad_job);
    signals_.Watch(&loop_, [this](int signal) { OnSignal(signal); });
    loop_.Post([this] { job_->Start(); });
    loop_.Run();
    Conclude();
    return exit_code_;
  }

 private:
  PaddleFlags& flags() { return settings_.flags; }

  // While the job runs, a reader that stands still (Ctrl-S, a pager) holds up nothing.
  void WriteStdout(absl::string_view bytes) {
    out_.Write(bytes);
    out_.Offer();
  }

  void Conclude() {
    signal_ == 0 ? follower_->Drain() : follower_->Look();
    if (signal_ == 0) out_.Flush();
    log_.Info(absl::StrCat("Exit code ", exit_code_));
    job_.reset();
    if (signal_ == 0) return;
    // The last lines, but not at the price of a wait: a signal ends us.
    for (Output* const output : {&out_, log_.output()}) {
      output->Offer();
      output->Discard();
    }
  }

  int Refuse(const Refusal& refusal) {
    log_.Error(refusal.text);
    return refusal.exit_code;
  }

  void ShowConfiguration() {
    if (line_.flags.legacy) {
      WriteStdout("-----------  Configuration Arguments -----------\n");
      for (const std::string& entry : line_.configuration) WriteStdout(absl::StrCat(entry, "\n"));
      WriteStdout("------------------------------------------------\n");
    } else {
      log_.Info("-----------  Configuration  ----------------------");
      for (const std::string& entry : line_.configuration) log_.Info(entry);
      log_.Info(kRule);
    }
    for (const std::string& warning : line_.warnings) log_.Warning(warning);
  }

  absl::Status Prepare() {
    settings_.flags = line_.flags;
    std::vector<std::string> cleared;
    settings_.env = PaddleChildEnv(call_.env, &cleared);
    if (!cleared.empty()) {
      log_.Warning(
          absl::StrCat("left by another launcher, not handed on: ", absl::StrJoin(cleared, ", ")));
    }
    settings_.pod_name = RandomPodName();
    settings_.log_dir = JoinPath(call_.current_dir, flags().log_dir);
    settings_.python = PythonOf(call_.env);
    settings_.env_limit = kPaddleEnvLimit;
    const auto limit = call_.env.find("PADDLE_ENV_LIMIT_LEN");
    if (limit != call_.env.end()) absl::SimpleAtoi(limit->second, &settings_.env_limit);
    MUSTER_ASSIGN_OR_RETURN(settings_.devices, DevicesHere(call_.env));
    MUSTER_ASSIGN_OR_RETURN(settings_.gloo_path, FreshPath(call_.env));
    MUSTER_ASSIGN_OR_RETURN(PortCursor ports, PortCursor::FromEnvironment(call_.env));
    ports_ = std::make_unique<PortCursor>(std::move(ports));
    ChooseAddress();
    MUSTER_ASSIGN_OR_RETURN(processes_, ProcessSet::Create(&loop_, /*survive=*/false));
    MUSTER_ASSIGN_OR_RETURN(follower_, LogFollower::Create(&loop_));
    follower_->set_gate([this] {
      log_.output()->Offer();
      return out_.Offer();
    });
    runner_ = std::make_unique<PodRunner>(&loop_, processes_.get(), follower_.get(), &log_,
                                          [this](absl::string_view bytes) { WriteStdout(bytes); });
    return absl::OkStatus();
  }

  void ChooseAddress() {
    if (absl::StrContains(flags().host, ".")) {
      settings_.node_ip = flags().host;
      log_.Warning(absl::StrCat("Host ip reset to ", flags().host));
      return;
    }
    settings_.node_ip = OwnAddress();
    const std::string master =
        EndpointHost(std::string(absl::StripPrefix(flags().master, "etcd://")));
    if (flags().max_nodes < 2 || master.empty() || IsLoopbackIp(master)) return;
    if (!IsLoopbackIp(settings_.node_ip)) return;
    // /etc/hosts often says 127.0.1.1, where no other node can come.
    const std::string towards = AddressTowards(master);
    if (towards.empty()) return;
    log_.Warning(absl::StrCat("this host's name stands for ", settings_.node_ip,
                              ", which other nodes cannot reach: Host ip reset to ", towards,
                              "; --host chooses another"));
    settings_.node_ip = towards;
  }

  // What would only be seen once all nodes have met.
  Refusal CheckScript() {
    const std::string& script = flags().script;
    if (script == "ipu") return {};
    if (script == "run_check") {
      return {1, "run_check is Paddle's own self test: run it with Paddle's launcher"};
    }
    const std::vector<std::string> command = PaddleCommand(settings_);
    const bool interpreted =
        command.size() > 1 && command.front() == settings_.python && command.front() != script;
    if (interpreted && !PathExists(JoinPath(call_.current_dir, script))) {
      return {2, absl::StrCat(settings_.python, ": can't open file '",
                              JoinPath(call_.current_dir, script),
                              "': [Errno 2] No such file or directory")};
    }
    const absl::StatusOr<std::string> program = FindProgram(command.front(), settings_.env);
    if (!program.ok()) return {1, std::string(program.status().message())};
    return {};
  }

  PaddleJobParts Parts() {
    PaddleJobParts parts;
    parts.loop = &loop_;
    parts.log = &log_;
    parts.runner = runner_.get();
    parts.ports = ports_.get();
    parts.settings = &settings_;
    parts.write_stdout = [this](absl::string_view bytes) { WriteStdout(bytes); };
    parts.note_nodes = [this](const std::vector<PaddleNode>& nodes) {
      const absl::Status noted = NotePaddleNodes(settings_, call_.env, nodes);
      if (!noted.ok()) log_.Warning(noted.message());
    };
    parts.finish = [this](int exit_code) { Finish(exit_code); };
    return parts;
  }

  Refusal MakeJob() {
    if (flags().legacy) return MakeLegacyJob();
    const PaddleMode mode = ChoosePaddleMode(flags());
    ShowJob(mode);
    if (mode == PaddleMode::kIpu) return MakeIpuJob();
    if (HasAllEndpoints(flags(), mode)) {
      return MakeStaticJob(PlanPaddlePodByEndpoints(settings_, mode));
    }
    if (mode == PaddleMode::kRpc && flags().master.empty()) {
      return {1, "Master is None, Please set master address! (--master=ip:port)"};
    }
    // What is wrong with devices is found before other nodes are asked.
    const absl::StatusOr<PodPlan> alone = PlanAlone(mode);
    if (!alone.ok() || (flags().max_nodes < 2 && mode != PaddleMode::kElastic)) {
      return MakeStaticJob(alone);
    }
    if (mode == PaddleMode::kElastic) {
      absl::StatusOr<std::unique_ptr<RunningPaddleJob>> job = MakeElasticJob(Parts());
      if (!job.ok()) return {1, std::string(job.status().message())};
      job_ = *std::move(job);
      return {};
    }
    return MakeHttpJob(mode);
  }

  void ShowJob(PaddleMode mode) {
    log_.Info(absl::StrCat("Job: ", flags().job_id, ", mode ", PaddleModeName(mode), ", replicas ",
                           flags().max_nodes, "[", flags().min_nodes, ":", flags().max_nodes,
                           "], elastic ", flags().elastic ? "True" : "False"));
  }

  // As a job of one node.
  absl::StatusOr<PodPlan> PlanAlone(PaddleMode mode) {
    MUSTER_ASSIGN_OR_RETURN(const PaddleNode own, OfferPaddleNode(settings_, mode, ports_.get()));
    alone_ = {own};
    return PlanPaddlePod(settings_, mode, PaddleNodes{{own}, 0}, /*num_nodes=*/1);
  }

  Refusal MakeStaticJob(const absl::StatusOr<PodPlan>& plan) {
    if (!plan.ok()) return {1, std::string(plan.status().message())};
    Parts().note_nodes(alone_);
    job_ = std::make_unique<StaticJob>(Parts(), *plan);
    return {};
  }

  Refusal MakeLegacyJob() {
    return MakeStaticJob(PlanLegacyPod(settings_, call_.env, ports_.get()));
  }

  Refusal MakeIpuJob() {
    int exit_code = 1;
    const absl::StatusOr<PaddleIpuJob> job = ReadIpuJob(settings_, call_.program, &exit_code);
    if (!job.ok()) return {exit_code, std::string(job.status().message())};
    PodSettings one = settings_;
    one.flags.nproc_per_node = 1;
    const absl::StatusOr<PaddleNode> own =
        OfferPaddleNode(one, PaddleMode::kCollective, ports_.get());
    if (!own.ok()) return {1, std::string(own.status().message())};
    return MakeStaticJob(PlanIpu(settings_, *job, *own));
  }

  Refusal MakeHttpJob(PaddleMode mode) {
    HttpMaster::Options options;
    const std::vector<std::string> ends = absl::StrSplit(flags().master, ':');
    if (!flags().master.empty()) {
      options.host = ends[0];
      absl::SimpleAtoi(ends[1], &options.port);
    } else {
      options.host = settings_.node_ip;
    }
    options.serve = options.host == settings_.node_ip || IsOwnAddress(options.host);
    options.job_id = flags().job_id;
    options.size = flags().max_nodes;
    options.sort_ip = flags().sort_ip;
    options.timeout = PaddleStartTimeout(flags());
    auto master = std::make_unique<HttpMaster>(&loop_, &log_, options);
    const absl::Status opened = master->Open();
    if (!opened.ok()) return {1, std::string(opened.message())};
    if (flags().master.empty()) {
      WriteStdout(CopyCommandBlock(call_, absl::StrCat(settings_.node_ip, ":", master->port())));
      if (flags().rank >= 0) {
        log_.Warning("--rank is given: the other nodes need a --rank of their own, too");
      }
    }
    job_ = std::make_unique<HttpJob>(Parts(), mode, std::move(master));
    return {};
  }

  void OnSignal(int signal) {
    if (signal_ != 0) {
      log_.Info("Force quit in 10 seconds...");
      return runner_->Stop(kForcedGrace, [] {});
    }
    signal_ = signal;
    log_.Info(absl::StrCat("Terminating with signal ", signal));
    auto left = std::make_shared<int>(2);  // The stop here, and the word to the others.
    const auto one_done = [this, left] {
      if (--*left > 0) return;
      log_.Info(absl::StrCat("Exit with signal ", signal_));
      exit_code_ = signal_;
      loop_.Stop();
    };
    job_->Leave(signal, absl::StrCat("its launcher got signal ", signal), one_done);
    runner_->Stop(kPaddleSignalGrace, one_done);
  }

  void Finish(int exit_code) {
    if (signal_ != 0) return;
    exit_code_ = exit_code;
    loop_.Stop();
  }

  const FrontendCall& call_;
  const PaddleCommandLine line_;
  Signals signals_;  // Before any thread.
  LaunchLog log_;
  Output out_;
  EventLoop loop_;
  PodSettings settings_;
  std::unique_ptr<PortCursor> ports_;
  std::unique_ptr<ProcessSet> processes_;
  std::unique_ptr<LogFollower> follower_;
  std::unique_ptr<PodRunner> runner_;
  std::vector<PaddleNode> alone_;
  std::unique_ptr<RunningPaddleJob> job_;
  int exit_code_ = 0;
  int signal_ = 0;
};

}  // namespace

int RunPaddleLaunch(const FrontendCall& call) {
  PaddleCommandLine line = ReadPaddleCommandLine(call);
  Output(STDOUT_FILENO).Write(absl::StrJoin(line.overrides, "", [](auto* out, const auto& text) {
    absl::StrAppend(out, text, "\n");
  }));
  if (line.refusal.has_value()) {
    Output(line.exit_code == 0 ? STDOUT_FILENO : STDERR_FILENO).Write(*line.refusal);
    return line.exit_code;
  }
  return Launcher(call, std::move(line)).Run();
}

}  // namespace muster

#include "ctl/frontend/torchrun/runner.h"

#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/base/event_loop.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/cmd/signals.h"
#include "ctl/frontend/engine/log_follower.h"
#include "ctl/frontend/engine/process_set.h"
#include "ctl/frontend/engine/stdin_relay.h"
#include "ctl/frontend/engine/temp_dir.h"
#include "ctl/frontend/torchrun/host_facts.h"
#include "ctl/frontend/torchrun/leader.h"
#include "ctl/frontend/torchrun/master_port.h"
#include "ctl/frontend/torchrun/node_agent.h"
#include "ctl/frontend/torchrun/options.h"
#include "ctl/frontend/torchrun/remote_link.h"
#include "ctl/frontend/torchrun/rendezvous_settings.h"
#include "ctl/frontend/torchrun/run_dir.h"
#include "ctl/frontend/torchrun/sockets.h"
#include "ctl/frontend/torchrun/tee_printer.h"
#include "ctl/frontend/torchrun/worker_group.h"
#include "ctl/frontend/torchrun/worker_plan.h"
#include "ctl/view/output.h"

namespace muster {
namespace {

constexpr int kWrong = 1;  // A Python exception's exit code: what the original ends with.

// torch/distributed/run.py, config_from_args(), word for word.
constexpr char kThreadsNote[] =
    "\n*****************************************\n"
    "Setting OMP_NUM_THREADS environment variable for each process to be 1 in default, to avoid "
    "your system being overloaded, please further tune the variable for optimal performance in "
    "your application as needed. \n"
    "*****************************************";

// The leader of the job, or the way to it.
struct Link {
  std::unique_ptr<LeaderLink> link;
  bool leads = false;
};

// One run, while it lasts. Members are in the order in which they need each other.
class Runner {
 public:
  Runner(const FrontendCall& call, TorchrunOptions options)
      : call_(call),
        options_(std::move(options)),
        out_(STDOUT_FILENO, signals_.fd()),
        err_(STDERR_FILENO, signals_.fd()),
        tee_out_(&loop_, &out_),
        tee_err_(&loop_, &err_) {}

  absl::StatusOr<int> Run();

 private:
  absl::Status Prepare();
  absl::StatusOr<Link> MakeLink();
  absl::Status MakeWorkers();
  // The last lines of all.
  void Conclude();
  void Say(const std::string& line);

  const FrontendCall& call_;
  TorchrunOptions options_;
  Signals signals_;
  EventLoop loop_;
  Output out_;
  Output err_;
  TeePrinter tee_out_;
  TeePrinter tee_err_;
  HostFacts host_;
  RendezvousSettings rendezvous_;
  WorkerPlan plan_;
  std::unique_ptr<RunDir> run_dir_;
  std::unique_ptr<ProcessSet> processes_;
  std::unique_ptr<LogFollower> follower_;
  std::unique_ptr<StdinRelay> stdin_relay_;
  std::unique_ptr<WorkerGroup> workers_;
  Link link_;
  std::unique_ptr<NodeAgent> agent_;
};

absl::Status Runner::Prepare() {
  MUSTER_ASSIGN_OR_RETURN(rendezvous_, MakeRendezvousSettings(options_));
  host_ = ReadHostFacts(call_.env);
  const std::string master_addr =
      !options_.local_addr.empty() && rendezvous_.single() ? options_.local_addr
      : rendezvous_.single() && !rendezvous_.is_static     ? "127.0.0.1"
                                                           : rendezvous_.host;
  MUSTER_ASSIGN_OR_RETURN(
      plan_, MakeWorkerPlan(options_, host_, call_.env, rendezvous_.run_id, master_addr));
  if (!options_.log_dir.empty()) options_.log_dir = JoinPath(call_.current_dir, options_.log_dir);
  return absl::OkStatus();
}

// In a c10d job whoever has the endpoint's address leads; of several launchers on that host the
// first one, as the port tells.
absl::StatusOr<Link> Runner::MakeLink() {
  Coordinator::Options options;
  options.rendezvous = rendezvous_;
  options.max_restarts = options_.max_restarts;
  options.master_addr = rendezvous_.single() ? "" : options_.local_addr;
  const Coordinator::PickPort pick_port = [this](int round) {
    return MasterPort(rendezvous_,
                      options_.master_port.has_value() || !options_.rdzv_endpoint.empty(), round);
  };
  UniqueFd listener;
  if (!rendezvous_.single()) {
    const bool may_lead = rendezvous_.is_leader.value_or(IsThisHost(rendezvous_.host));
    absl::StatusOr<UniqueFd> fd = may_lead ? ListenAt(rendezvous_.host, rendezvous_.port)
                                           : absl::StatusOr<UniqueFd>(UniqueFd());
    if (!fd.ok() && (rendezvous_.is_leader.has_value() || !absl::IsAlreadyExists(fd.status()))) {
      if (!absl::IsAlreadyExists(fd.status())) return Annotate(fd.status(), "rendezvous");
      return absl::AlreadyExistsError(
          absl::StrCat("rendezvous: ", std::string(fd.status().message()),
                       "; is node 0 already running? Else choose another port"));
    }
    if (!may_lead || !fd.ok()) {
      return Link{std::make_unique<RemoteLink>(&loop_, rendezvous_.host, rendezvous_.port,
                                               rendezvous_.join_timeout),
                  false};
    }
    listener = *std::move(fd);
  }
  return Link{std::make_unique<Leader>(options, &loop_, std::move(listener), pick_port), true};
}

absl::Status Runner::MakeWorkers() {
  MUSTER_ASSIGN_OR_RETURN(run_dir_,
                          RunDir::Create(options_.log_dir, TempDir(call_.env), rendezvous_.run_id));
  MUSTER_ASSIGN_OR_RETURN(processes_, ProcessSet::Create(&loop_, /*survive=*/false));
  if (plan_.tee.any()) {
    MUSTER_ASSIGN_OR_RETURN(follower_, LogFollower::Create(&loop_));
    // Who does not read the console (Ctrl-S, a pager) does not hold up the job.
    follower_->set_gate([this] {
      const bool err_takes = err_.Offer();
      return out_.Offer() && err_takes;
    });
  }
  // One worker alone may have the terminal itself.
  if (plan_.nproc > 1) {
    MUSTER_ASSIGN_OR_RETURN(stdin_relay_, StdinRelay::CreateForTerminal(&loop_));
  }
  WorkerGroup::Parts parts;
  parts.plan = &plan_;
  parts.run_dir = run_dir_.get();
  parts.processes = processes_.get();
  parts.follower = follower_.get();
  parts.tee_out = &tee_out_;
  parts.tee_err = &tee_err_;
  parts.stdin_relay = stdin_relay_.get();
  parts.host = host_.name;
  WorkerGroup::Callbacks callbacks;
  callbacks.on_failed = [this](const WorkerFailure& failure) { agent_->OnWorkerFailed(failure); };
  callbacks.on_succeeded = [this] { agent_->OnWorkersSucceeded(); };
  workers_ = std::make_unique<WorkerGroup>(parts, &loop_, std::move(callbacks));
  return absl::OkStatus();
}

absl::StatusOr<int> Runner::Run() {
  MUSTER_RETURN_IF_ERROR(Prepare());
  MUSTER_RETURN_IF_ERROR(MakeWorkers());
  absl::StatusOr<Link> link = MakeLink();
  if (!link.ok()) {
    run_dir_->Discard();
    return link.status();
  }
  link_ = *std::move(link);
  if (plan_.threads_note) Say(kThreadsNote);
  const bool has_logs = plan_.redirects.any() || plan_.tee.any();
  if (has_logs && options_.log_dir.empty()) Say(absl::StrCat("logs are in ", run_dir_->path()));
  NodeAgent::Options options;
  options.leads = link_.leads;
  options.title = plan_.title;
  const auto parents = call_.env.find("TORCHELASTIC_ERROR_FILE");
  if (parents != call_.env.end()) options.parent_error_file = parents->second;
  options.facts = {rendezvous_.run_id,
                   rendezvous_.is_static ? "static" : "c10d",
                   rendezvous_.min_nodes,
                   rendezvous_.max_nodes,
                   rendezvous_.node_rank,
                   plan_.nproc,
                   plan_.role,
                   host_.name};
  int exit_code = kWrong;
  agent_ = std::make_unique<NodeAgent>(
      options, &loop_, workers_.get(), link_.link.get(),
      [this](const std::string& line) { Say(line); },
      [this, &exit_code](int code) {
        exit_code = code;
        loop_.Stop();
      });
  signals_.Watch(&loop_, [this](int signal) { agent_->OnSignal(signal); });
  agent_->Start();
  loop_.Run();
  Conclude();
  if ((exit_code == 0 && !has_logs) || !run_dir_->used()) run_dir_->Discard();
  return exit_code;
}

void Runner::Conclude() {
  if (follower_ != nullptr) agent_->signalled() ? follower_->Look() : follower_->Drain();
  tee_out_.Finish();
  tee_err_.Finish();
  if (!agent_->signalled()) {
    // Both may be one terminal: what the workers wrote, then what is said of it.
    out_.Flush();
    err_.Flush();
    return;
  }
  // The last lines, but not at the price of a wait: a signal ends us.
  out_.Offer();
  err_.Offer();
  out_.Discard();
  err_.Discard();
}

void Runner::Say(const std::string& line) {
  err_.Write(absl::StrCat(call_.program, ": ", line, "\n"));
  err_.Offer();
}

}  // namespace

int RunTorchrun(const FrontendCall& call) {
  std::signal(SIGPIPE, SIG_IGN);  // A reader that went away is an error of write().
  TorchrunParse parse = ParseTorchrun(call.program, call.words, call.env);
  if (parse.exit_status) {
    Output(*parse.exit_status == 0 ? STDOUT_FILENO : STDERR_FILENO).Write(parse.text);
    return *parse.exit_status;
  }
  Runner runner(call, std::move(parse.options));
  const absl::StatusOr<int> code = runner.Run();
  if (code.ok()) return *code;
  Output(STDERR_FILENO)
      .Write(absl::StrCat(call.program, ": ", std::string(code.status().message()), "\n"));
  return kWrong;
}

}  // namespace muster

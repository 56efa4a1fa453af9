#include "agent/daemon.h"

#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/base_env.h"
#include "agent/device/device_probe.h"
#include "agent/exit_codes.h"
#include "agent/route_address.h"
#include "agent/rpc/node_stream.h"
#include "agent/shim_protocol.h"
#include "agent/state_format.h"
#include "common/base/fs.h"
#include "common/base/protocol.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/rpc/certificates.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "glog/logging.h"
#include "scheduler/rpc/scheduler_seat.h"

namespace muster {
namespace {

// Open calls are ended by us, at once; what is left after this is cancelled.
constexpr absl::Duration kServerPatience = absl::Seconds(1);
// The end must come within 2 s, whatever some engine still waits for.
constexpr absl::Duration kStopPatience = absl::Milliseconds(1800);
constexpr absl::Duration kProbeInterval = absl::Minutes(1);

}  // namespace

Daemon::Daemon(const AgentOptions& options, SdNotify notify, EventLoop* loop)
    : options_(options),
      learns_address_(options.address.empty()),
      notify_(std::move(notify)),
      loop_(loop),
      exit_code_(kExitOk),
      calls_(loop),
      pledge_(loop->clock()) {}

Daemon::~Daemon() {
  if (stopper_.joinable()) stopper_.join();
}

int Daemon::Run() {
  signals_ = std::make_unique<StopSignals>(loop_, [this](int signal) { OnSignal(signal); });
  exit_code_ = kExitFailed;
  const absl::Status opened = Open();
  if (!opened.ok()) {
    Fail(exit_code_, opened);
    return exit_code_;
  }
  exit_code_ = kExitOk;
  gangs_->Recover([this](const absl::Status& recovered) { OnRecovered(recovered); });
  loop_->Run();
  return exit_code_;
}

absl::Status Daemon::Open() {
  MUSTER_RETURN_IF_ERROR(OpenState());
  MUSTER_RETURN_IF_ERROR(OpenGangs());
  return OpenScheduler();
}

absl::Status Daemon::OpenState() {
  exit_code_ = kExitState;
  MUSTER_RETURN_IF_ERROR(Annotate(MakeDirs(options_.state_dir), "state directory"));
  absl::StatusOr<StateLock> lock = StateLock::Take(options_.state_dir);
  if (!lock.ok()) {
    if (absl::IsAlreadyExists(lock.status())) exit_code_ = kExitStateInUse;
    return lock.status();
  }
  lock_.emplace(*std::move(lock));
  MUSTER_RETURN_IF_ERROR(CheckStateFormat(options_.state_dir));
  MUSTER_ASSIGN_OR_RETURN(identity_, BeginIncarnation(options_.state_dir));
  LOG(INFO) << "node=" << options_.name << " id=" << identity_.id
            << " incarnation=" << identity_.incarnation << " version=" << kVersion << " STARTING";
  return absl::OkStatus();
}

absl::Status Daemon::OpenGangs() {
  exit_code_ = kExitFailed;
  MUSTER_ASSIGN_OR_RETURN(const std::unique_ptr<DeviceProbe> probe,
                          MakeDeviceProbe(options_.devices));
  MUSTER_ASSIGN_OR_RETURN(std::vector<v1::Device> devices, probe->Probe());
  MUSTER_ASSIGN_OR_RETURN(topology_, Topology::Load());
  LOG(INFO) << "node=" << options_.name << " devices=" << devices.size()
            << " cpus=" << topology_->cpus() << " FOUND";
  Ledger::Options ledger;
  ledger.first_port = options_.first_port;
  ledger.last_port = options_.last_port;
  ledger_ = std::make_unique<Ledger>(ledger, std::move(devices), loop_->clock());
  Gangs::Options gangs;
  gangs.state_dir = options_.state_dir;
  gangs.shim_path = options_.shim_path;
  gangs.node_name = options_.name;
  gangs.base_env = BaseEnv();
  gangs.cgroup_root = options_.cgroup_root;
  gangs.keep_ended = options_.keep_ended;
  gangs.on_disk_broken = [this](const absl::Status& why) { Fail(kExitState, why); };
  // Where msshim does not know of leases, nobody may count on one.
  if (!options_.alone() && SpeaksLeases()) {
    MUSTER_ASSIGN_OR_RETURN(const ProtocolVersion shim, ShimProtocol(options_.shim_path));
    keeps_lease_ = shim.minor >= kLeaseMinor;
  }
  gangs.keeps_lease = keeps_lease_;
  reaper_ = std::make_unique<OrphanReaper>(loop_);
  gangs_ = Gangs::Make(gangs, loop_, ledger_.get(), topology_.get());
  return absl::OkStatus();
}

absl::Status Daemon::OpenScheduler() {
  exit_code_ = kExitState;
  scheduler_ = std::make_unique<SchedulerRole>(
      options_, loop_, [this](const std::string& address) { return ChannelTo(address); });
  if (options_.alone()) return scheduler_->TakeAlone();
  if (!options_.scheduler.empty()) scheduler_->Leave(SchedulerIsElsewhere(options_.scheduler));
  return absl::OkStatus();
}

void Daemon::OnRecovered(const absl::Status& recovered) {
  if (stopping_) return;
  if (!recovered.ok()) return Fail(kExitState, Annotate(recovered, "recovery"));
  const absl::Status serving = Serve();
  if (!serving.ok()) return Fail(kExitListen, serving);
  // The lease of the agent's last life runs on, whenever the scheduler is found.
  if (keeps_lease_) fence_ = std::make_unique<Fence>(loop_, gangs_.get());
  LearnAddress([this] { Join(); });
  if (stopping_) return;
  StartDeviceWatch();
  LOG(INFO) << "node=" << options_.name << " listen=" << absl::StrJoin(server_->addresses(), ",")
            << " READY";
  notify_.Send("READY=1");
  if (notify_.watchdog() > absl::ZeroDuration()) Beat();
}

absl::Status Daemon::Serve() {
  agent_service_ = std::make_unique<AgentServiceRpc>(loop_, gangs_.get());
  log_service_ = std::make_unique<LogServiceRpc>(loop_, gangs_.get(), &calls_);
  std::vector<grpc::Service*> services = {agent_service_.get(), log_service_.get()};
  for (grpc::Service* service : scheduler_->services()) services.push_back(service);
  MUSTER_ASSIGN_OR_RETURN(server_, ApiServer::Start(options_, services));
  return absl::OkStatus();
}

void Daemon::Join() {
  if (stopping_) return;
  const absl::Status elects = StartElection();
  if (!elects.ok()) return Fail(kExitUsage, Annotate(elects, "--etcd"));
  StartLink();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Daemon::SchedulerChannel() {
  if (options_.alone()) return server_->InProcessChannel();
  const std::string& address = options_.etcd.empty() ? options_.scheduler : leader_address_;
  if (address.empty()) return absl::UnavailableError("no scheduler is elected yet");
  return ChannelTo(address);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> Daemon::ChannelTo(const std::string& address) {
  // This very agent is reached without a socket.
  if (address == AgentAddress()) return server_->InProcessChannel();
  // A new connection for each stream: the last one may hang in a network that is whole again.
  return MakeFreshChannel(address, options_.security);
}

absl::Status Daemon::StartElection() {
  if (options_.etcd.empty()) return absl::OkStatus();
  v1::Candidate self;
  self.set_node_id(identity_.id);
  self.set_node_name(options_.name);
  self.set_address(AgentAddress());
  self.set_version(kVersion);
  MUSTER_ASSIGN_OR_RETURN(elected_, ElectedRole::Open(options_, self, loop_, scheduler_.get(),
                                                      &pledge_, [this](const std::string& address) {
                                                        leader_address_ = address;
                                                        if (link_ != nullptr) link_->Retarget();
                                                      }));
  return absl::OkStatus();
}

void Daemon::StartLink() {
  if (options_.etcd.empty()) {
    const absl::Status possible = SchedulerChannel().status();
    if (!possible.ok()) return Fail(kExitUsage, Annotate(possible, "--scheduler"));
  }
  SchedulerLink::Options link;
  link.fence = fence_.get();
  if (!options_.etcd.empty() && options_.candidate) link.pledge = &pledge_;
  link_ = std::make_unique<SchedulerLink>(
      link, Describe(), loop_, gangs_.get(), [this](NodeStreamEvents* events) {
        if (link_ != nullptr) {
          LearnAddress([this, before = options_.address] {
            if (options_.address != before) link_->SetInfo(Describe());
          });
          link_->SetInfo(Describe());
        }
        absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = SchedulerChannel();
        if (!channel.ok()) return RefuseNodeStream(channel.status(), loop_, events);
        return OpenNodeStream(*std::move(channel), loop_, events);
      });
  link_->Start();
}

void Daemon::LearnAddress(std::function<void()> done) {
  if (!learns_address_) return done();
  const std::string peer = !options_.etcd.empty()              ? options_.etcd.front()
                           : IsUnixAddress(options_.scheduler) ? ""
                                                               : options_.scheduler;
  if (!NeedsLookup(peer)) {
    TakeAddress(AddressTowards(peer));
    return done();
  }
  if (address_lookup_ == nullptr) address_lookup_ = std::make_unique<AddressLookup>(peer, loop_);
  address_lookup_->Begin([this, done](const absl::StatusOr<std::string>& address) {
    if (stopping_) return;
    TakeAddress(address);
    done();
  });
}

void Daemon::TakeAddress(const absl::StatusOr<std::string>& address) {
  if (address.ok() && *address == options_.address) return;
  if (address.ok()) {
    options_.address = *address;
  } else if (options_.address.empty()) {
    LOG(WARNING) << "--agent_address: " << address.status().message();
    options_.address = options_.name;
  } else {
    return;  // Off the network: it keeps what it had.
  }
  LOG(INFO) << "node=" << options_.name << " address=" << options_.address;
  if (options_.security.tls_cert.empty() || PublishedHost(options_) != options_.address) return;
  const absl::Status named = CheckCertificateName(options_.security, "tls", options_.address);
  if (!named.ok()) LOG(ERROR) << named.message();
}

void Daemon::StartDeviceWatch() {
  if (!options_.devices.empty() || stopping_) return;
  absl::StatusOr<std::unique_ptr<DeviceProbe>> probe = MakeDeviceProbe(options_.devices);
  if (!probe.ok()) return Fail(kExitFailed, probe.status());
  device_watch_ =
      std::make_unique<DeviceWatch>(*std::move(probe), ledger_->devices(), kProbeInterval, loop_,
                                    [this](const std::vector<v1::Device>& devices) {
                                      ledger_->SetDevices(devices);
                                      if (link_ != nullptr) link_->SetInfo(Describe());
                                    });
}

v1::NodeInfo Daemon::Describe() const {
  v1::NodeInfo info =
      DescribeNode(options_, identity_, AgentAddress(), ledger_->devices(), topology_->cpus());
  info.set_degraded(gangs_->degraded());
  return info;
}

std::string Daemon::AgentAddress() const {
  for (const std::string& address : server_->addresses()) {
    const std::string host = HostOf(address);
    if (host.empty()) continue;  // A Unix socket.
    if (host != "0.0.0.0" && host != "::") return address;
    return absl::StrCat(options_.address, address.substr(address.rfind(':')));
  }
  return server_->addresses().front();
}

// From the loop: a loop that hangs is killed by systemd, and the next agent finds the ranks.
void Daemon::Beat() {
  notify_.Send("WATCHDOG=1");
  loop_->After(notify_.watchdog() / 2, [this] { Beat(); });
}

void Daemon::OnSignal(int signal) {
  LOG(INFO) << "node=" << options_.name << " signal=" << sigabbrev_np(signal) << " STOPPING";
  Stop();
}

void Daemon::Stop() {
  if (std::exchange(stopping_, true)) return;
  notify_.Send("STOPPING=1");
  if (server_ == nullptr) return loop_->Stop();
  loop_->After(kStopPatience, [this] {
    LOG(WARNING) << "node=" << options_.name << " calls are stuck; ending without them";
    google::FlushLogFiles(google::INFO);
    _exit(exit_code_);  // Nothing is lost: whatever was promised is on disk.
  });
  server_->SayGoodbye();
  device_watch_ = nullptr;
  link_ = nullptr;
  ends_awaited_ = 1;
  if (elected_ != nullptr) {
    ++ends_awaited_;
    elected_->Resign([this] { OnEnded(); });
  }
  const absl::Status down = absl::UnavailableError("the agent is going down; try again");
  calls_.EndAll(down);
  scheduler_->Close(down);
  stopper_ = std::thread([this] {
    server_->Shutdown(kServerPatience);
    loop_->Post([this] { OnEnded(); });  // After the posts of every call's end.
  });
}

void Daemon::OnEnded() {
  if (--ends_awaited_ == 0) loop_->Stop();
}

void Daemon::Fail(int exit_code, const absl::Status& status) {
  std::fprintf(stderr, "msagentd: %s\n", std::string(status.message()).c_str());
  exit_code_ = exit_code;
  Stop();
}

}  // namespace muster

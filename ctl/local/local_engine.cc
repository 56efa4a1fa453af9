#include "ctl/local/local_engine.h"

#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/device/device_probe.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/rpc/error_details.h"

namespace muster {
namespace {

constexpr char kNodeName[] = "localhost";
constexpr char kAddress[] = "127.0.0.1";
constexpr absl::Duration kEndPatience = absl::Seconds(15);

std::string EnvOr(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

absl::StatusOr<std::string> MakeStateDir() {
  std::string pattern = JoinPath(EnvOr("TMPDIR", "/tmp"), "msctl-XXXXXX");
  if (mkdtemp(pattern.data()) == nullptr) {
    return ErrnoStatus(errno, absl::StrCat("temporary directory ", pattern));
  }
  char* real = realpath(pattern.c_str(), nullptr);  // Gangs want an absolute path.
  if (real == nullptr) return ErrnoStatus(errno, pattern);
  std::string path(real);
  free(real);
  return path;
}

std::string OwnDir() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
  return n <= 0 ? "." : DirName(absl::string_view(path, static_cast<size_t>(n)));
}

}  // namespace

absl::StatusOr<std::string> FindShim(const std::string& flag) {
  const std::string dir = OwnDir();
  const std::vector<std::string> places =
      flag.empty() ? std::vector<std::string>{JoinPath(dir, "msshim"),
                                              JoinPath(dir, "../libexec/muster/msshim"),
                                              JoinPath(dir, "../agent/shim/msshim")}
                   : std::vector<std::string>{flag};
  for (const std::string& place : places) {
    if (access(place.c_str(), X_OK) != 0) continue;
    char* real = realpath(place.c_str(), nullptr);
    if (real == nullptr) continue;
    std::string path(real);
    free(real);
    return path;
  }
  return WithDetail(absl::NotFoundError(absl::StrCat("msshim, which starts ranks, is not at ",
                                                     absl::StrJoin(places, ", "))),
                    "NO_SHIM", "", "name it with --shim-path");
}

absl::StatusOr<std::unique_ptr<LocalEngine>> LocalEngine::Start(const Options& options) {
  std::vector<v1::Device> devices;
  if (options.probe_devices) {
    MUSTER_ASSIGN_OR_RETURN(
        const std::unique_ptr<DeviceProbe> probe,
        MakeDeviceProbe(options.devices.empty() ? EnvOr("MUSTER_DEVICES", "") : options.devices));
    MUSTER_ASSIGN_OR_RETURN(devices, probe->Probe());
  }
  Gangs::Options gangs;
  MUSTER_ASSIGN_OR_RETURN(gangs.state_dir, MakeStateDir());
  gangs.shim_path = options.shim_path;
  gangs.node_name = kNodeName;
  gangs.base_env = options.base_env;
  gangs.durable = false;
  absl::StatusOr<std::unique_ptr<Guard>> guard = Guard::Start(gangs);
  if (!guard.ok()) {
    RemoveTree(gangs.state_dir).IgnoreError();
    return guard.status();
  }
  std::unique_ptr<LocalEngine> engine(new LocalEngine(std::move(gangs), *std::move(guard)));
  std::promise<absl::Status> built;
  engine->loop()->Post([&] {
    engine->Build(std::move(devices),
                  [&built](const absl::Status& status) { built.set_value(status); });
  });
  MUSTER_RETURN_IF_ERROR(built.get_future().get());
  return engine;
}

LocalEngine::LocalEngine(Gangs::Options options, std::unique_ptr<Guard> guard)
    : options_(std::move(options)), guard_(std::move(guard)) {}

void LocalEngine::Build(std::vector<v1::Device> devices, Gangs::Done done) {
  store_ = std::make_unique<MemoryStore>(loop());
  ledger_ = std::make_unique<Ledger>(Ledger::Options(), devices, loop()->clock());
  gangs_ = Gangs::Make(options_, loop(), ledger_.get(), &topology_);
  scheduler_ =
      Scheduler::Make(Scheduler::Options(), loop(), store_.get(), [this](const std::string&) {
        return std::make_unique<LocalAgentChannel>(loop(), gangs_.get());
      });
  const absl::Status loaded = scheduler_->Load();
  if (!loaded.ok()) return done(loaded);
  // There is nothing to recover; but nothing may start before.
  gangs_->Recover([this, devices = std::move(devices), done = std::move(done)](
                      const absl::Status& status) { done(status.ok() ? Join(devices) : status); });
}

absl::Status LocalEngine::Join(const std::vector<v1::Device>& devices) {
  v1::NodeInfo info;
  info.set_id(kNodeName);
  info.set_name(kNodeName);
  info.set_incarnation(1);
  info.set_address(kAddress);
  info.set_agent_address(kNodeName);
  for (const v1::Device& device : devices) *info.add_devices() = device;
  info.set_cpus(topology_.cpus());
  info.set_version(kVersion);
  node_ = std::make_unique<LocalNode>(loop(), gangs_.get(), scheduler_.get());
  return node_->Join(info);
}

LocalEngine::~LocalEngine() {
  // A run that has ended leaves nothing to stop. One that is left early (an error, a reader gone)
  // is stopped here, and waited for.
  std::promise<void> finished;
  std::future<void> done = finished.get_future();
  thread_.Call([this, &finished] {
    if (gangs_ == nullptr || AllFinished()) return finished.set_value();
    auto told = std::make_shared<bool>(false);
    gangs_->SetReportSink([this, told, &finished](const v1::GangReport&) {
      loop()->Post([this, told, &finished] {
        if (!*told && AllFinished()) {
          *told = true;
          finished.set_value();
        }
      });
    });
    StopAll(absl::Seconds(2));
  });
  const bool clean =
      done.wait_for(absl::ToChronoMilliseconds(kEndPatience)) == std::future_status::ready;
  thread_.Call([this] { TearDown(); });
  // The guard takes over what would not die.
  if (clean) RemoveTree(options_.state_dir).IgnoreError();
}

void LocalEngine::TearDown() {
  node_ = nullptr;
  if (gangs_ != nullptr) gangs_->SetReportSink(nullptr);
  scheduler_ = nullptr;
  gangs_ = nullptr;
  ledger_ = nullptr;
  store_ = nullptr;
}

void LocalEngine::KillAll() {
  loop()->Post([this] {
    if (gangs_ != nullptr) StopAll(absl::ZeroDuration());
  });
}

void LocalEngine::StopAll(absl::Duration grace) {
  for (const v1::GangReport& report : gangs_->Reports()) {
    if (report.finished()) continue;
    v1::StopGangRequest request;
    request.mutable_gang()->set_job_id(report.job_id());
    request.mutable_gang()->set_attempt(report.attempt());
    request.mutable_gang()->set_epoch(gangs_->epoch());
    request.mutable_grace()->set_seconds(absl::ToInt64Seconds(grace));
    request.set_reason("msctl ends");
    gangs_->Stop(request).IgnoreError();
  }
}

bool LocalEngine::AllFinished() const {
  for (const v1::GangReport& report : gangs_->Reports()) {
    if (!report.finished()) return false;
  }
  return true;
}

}  // namespace muster

#include "agent/task/gangs.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/task/cgroup.h"
#include "agent/task/disk_thread.h"
#include "agent/task/gang_dir.h"
#include "agent/task/gang_plan.h"
#include "agent/task/gang_runner.h"
#include "agent/task/recovery.h"
#include "agent/task/start_request.h"
#include "agent/task/state_counter.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr absl::Duration kSweepInterval = absl::Minutes(1);
constexpr absl::Duration kDefaultGrace = absl::Seconds(10);
constexpr int kGoodbyeTries = 100;  // Of 1 ms, for shims on their way out.

absl::Duration ToDuration(const google::protobuf::Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

std::string Label(const Ledger::Holder& gang) {
  return absl::StrCat("job ", gang.first, " attempt ", gang.second);
}

std::vector<uint32_t> PortsOf(const v1::NodePlacement& here) {
  std::vector<uint32_t> ports;
  for (const v1::RankPlacement& rank : here.ranks()) {
    ports.insert(ports.end(), rank.ports().begin(), rank.ports().end());
  }
  return ports;
}

std::vector<v1::DeviceId> DevicesOf(const v1::NodePlacement& here) {
  return std::vector<v1::DeviceId>(here.devices().begin(), here.devices().end());
}

// What the disk says at the agent's start.
struct Found {
  int64_t epoch = 0;
  int64_t starts = 0;  // Of the agent on this state directory, this one included.
  std::vector<FoundGang> gangs;
  std::vector<std::string> problems;
};

// See Gangs.
class GangTable : public Gangs {
 public:
  GangTable(const Options& options, EventLoop* loop, Ledger* ledger, const Topology* topology);
  ~GangTable() override;

  void Recover(Done done) override;
  absl::StatusOr<v1::NodePlacement> Reserve(const v1::ReserveGangRequest& request) override;
  void Start(const v1::StartGangRequest& request, Done done) override;
  absl::Status Stop(const v1::StopGangRequest& request) override;
  absl::Status Release(const v1::ReleaseGangRequest& request) override;
  absl::Status RestartRank(const v1::RestartRankRequest& request) override;
  int64_t epoch() const override { return epoch_; }
  absl::Status ObserveEpoch(int64_t epoch) override;
  void SetReportSink(ReportSink sink) override { sink_ = std::move(sink); }
  std::vector<v1::GangReport> Reports() const override;
  void Acknowledge(const std::string& job_id, int attempt, int64_t sequence) override;
  absl::StatusOr<OutputLog*> FindOutput(const std::string& job_id, int attempt,
                                        const std::string& role, int rank, bool is_stderr) override;
  absl::StatusOr<std::vector<std::pair<std::string, int>>> RanksOf(const std::string& job_id,
                                                                   int attempt) override;

 private:
  using Key = Ledger::Holder;

  // Whether the speaker may command the gang at all: ABORTED for a lower epoch and, with
  // `current_only`, for an attempt older than one that was started here.
  absl::Status Admit(const v1::GangRef& gang, bool current_only);
  // The gang, or nullptr. Fetches it from the archive.
  GangRunner* Find(const Key& key);
  absl::Status StopUnknown(const Key& key);
  // As Find, with an error that names what is unknown.
  absl::StatusOr<GangRunner*> Get(const std::string& job_id, int attempt);
  // The latest attempt of the job that was started here, or -1.
  int LatestAttempt(const std::string& job_id) const;
  // Another attempt of the same job that still has processes here, or nullptr.
  const GangRunner* LivingSibling(const Key& key) const;
  GangRunner* Add(const GangDir& dir, const v1::StartGangRequest& request);
  absl::StatusOr<HostGangPlan> MakePlan(const GangDir& dir,
                                        const v1::StartGangRequest& request) const;
  absl::Status TakeUp(Found found);
  // Keeps nothing in memory of gangs that are over but their name, and removes the files of those
  // that were kept for long enough.
  void Sweep();
  void SweepSoon();
  void Post(std::function<void()> task);
  std::string EpochPath() const { return JoinPath(options_.state_dir, "epoch"); }

  const Options options_;
  EventLoop* const loop_;
  Ledger* const ledger_;
  const Topology* const topology_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  DiskThread disk_;
  absl::StatusOr<CgroupRoot> cgroups_;
  GangRunner::Host host_;
  bool recovered_ = false;
  int64_t epoch_ = 0;
  ReportSink sink_;
  std::map<Key, std::unique_ptr<GangRunner>> gangs_;
  std::map<Key, absl::Time> archive_;  // Acknowledged gangs on disk, and when their files go.
};

GangTable::GangTable(const Options& options, EventLoop* loop, Ledger* ledger,
                     const Topology* topology)
    : options_(options),
      loop_(loop),
      ledger_(ledger),
      topology_(topology),
      disk_(loop, options.durable),
      cgroups_(CgroupRoot::Find(options.cgroup_root)) {
  host_.loop = loop;
  host_.disk = &disk_;
  host_.shim_path = options.shim_path;
  host_.node_name = options.node_name;
  host_.boot_id = BootId();
  host_.durable = options.durable;
}

GangTable::~GangTable() {
  DCHECK(loop_->OnLoop());
  *alive_ = false;
  for (auto& [key, gang] : gangs_) {
    for (int i = 0; gang->finished() && !gang->RemoveCgroup() && i < kGoodbyeTries; ++i) {
      usleep(1000);
    }
  }
}

void GangTable::Recover(Done done) {
  DCHECK(loop_->OnLoop());
  if (!cgroups_.ok()) return Post([this, done] { done(cgroups_.status()); });
  host_.cgroups = &*cgroups_;
  if (!cgroups_->available()) {
    LOG(WARNING) << "gangs do without cgroups: " << cgroups_->reason();
  }
  auto found = std::make_shared<Found>();
  const std::string starts_path = JoinPath(options_.state_dir, "starts");
  disk_.Run(
      [found, starts_path, epoch_path = EpochPath(), state_dir = options_.state_dir,
       durable = options_.durable]() -> absl::Status {
        MUSTER_RETURN_IF_ERROR(MakeDirs(state_dir));
        MUSTER_ASSIGN_OR_RETURN(found->epoch, ReadCounter(epoch_path));
        MUSTER_ASSIGN_OR_RETURN(found->starts, ReadCounter(starts_path));
        MUSTER_RETURN_IF_ERROR(WriteCounter(starts_path, ++found->starts, durable));
        MUSTER_ASSIGN_OR_RETURN(found->gangs, FindGangs(state_dir, &found->problems));
        return absl::OkStatus();
      },
      [this, found, done](const absl::Status& status) {
        done(status.ok() ? TakeUp(std::move(*found)) : status);
      });
}

absl::Status GangTable::TakeUp(Found found) {
  recovered_ = true;
  epoch_ = found.epoch;
  // Reports of one gang must grow in sequence over all lives of the agent.
  host_.first_sequence = found.starts << 32;
  for (const std::string& problem : found.problems) LOG(ERROR) << problem;
  for (const FoundGang& gang : found.gangs) {
    const v1::StartGangRequest& request = gang.intent.request;
    const Key key(request.gang().job_id(), request.gang().attempt());
    const absl::Status check = CheckStart(request);
    if (!check.ok() || gangs_.count(key) > 0) {
      LOG(ERROR) << Label(key) << ": its intent makes no sense, left alone: " << check.message();
      continue;
    }
    epoch_ = std::max(epoch_, request.gang().epoch());
    const v1::NodePlacement& here = HostOf(request);
    if (!gang.report.has_value()) ledger_->Adopt(key, DevicesOf(here), PortsOf(here));
    Add(gang.dir, request)->Recover(gang, [this, &gang, &request] {
      return MakePlan(gang.dir, request);
    });
  }
  SweepSoon();
  return absl::OkStatus();
}

absl::StatusOr<v1::NodePlacement> GangTable::Reserve(const v1::ReserveGangRequest& request) {
  DCHECK(loop_->OnLoop());
  MUSTER_RETURN_IF_ERROR(Admit(request.gang(), /*current_only=*/true));
  const Key key(request.gang().job_id(), request.gang().attempt());
  if (const GangRunner* gang = Find(key)) return HostOf(gang->request());
  if (const GangRunner* sibling = LivingSibling(key)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(Label(key), ": attempt ", sibling->request().gang().attempt(), " still has ",
                     sibling->living(), " living ranks here"));
  }
  v1::NodePlacement placement = request.placement();
  std::vector<int> ports(request.ports().begin(), request.ports().end());
  if (ports.empty()) ports.resize(static_cast<size_t>(placement.ranks_size()), 0);
  if (static_cast<int>(ports.size()) != placement.ranks_size()) {
    return absl::InvalidArgumentError(absl::StrCat(Label(key), ": ports for ", ports.size(),
                                                   " ranks, expected ", placement.ranks_size()));
  }
  using Ports = std::vector<std::vector<uint32_t>>;
  MUSTER_ASSIGN_OR_RETURN(const Ports granted, ledger_->Reserve(key, DevicesOf(placement), ports,
                                                                ToDuration(request.ttl())));
  for (int i = 0; i < placement.ranks_size(); ++i) {
    placement.mutable_ranks(i)->clear_ports();
    for (uint32_t port : granted[static_cast<size_t>(i)]) {
      placement.mutable_ranks(i)->add_ports(port);
    }
  }
  return placement;
}

void GangTable::Start(const v1::StartGangRequest& request, Done done) {
  DCHECK(loop_->OnLoop());
  const Key key(request.gang().job_id(), request.gang().attempt());
  const auto refuse = [this, done](const absl::Status& status) {
    Post([done, status] { done(status); });
  };
  if (absl::Status s = Admit(request.gang(), /*current_only=*/true); !s.ok()) return refuse(s);
  if (GangRunner* gang = Find(key)) return gang->StartAgain(done);
  if (absl::Status s = CheckStart(request); !s.ok()) return refuse(s);
  if (const GangRunner* sibling = LivingSibling(key)) {
    return refuse(absl::FailedPreconditionError(
        absl::StrCat(Label(key), ": attempt ", sibling->request().gang().attempt(), " still has ",
                     sibling->living(), " living ranks here")));
  }
  const absl::StatusOr<GangDir> dir = GangDir::Make(options_.state_dir, key.first, key.second);
  if (!dir.ok()) return refuse(dir.status());
  const absl::StatusOr<HostGangPlan> plan = MakePlan(*dir, request);
  if (absl::IsInvalidArgument(plan.status())) return refuse(plan.status());
  if (absl::Status s = ledger_->Commit(key); !s.ok()) return refuse(s);
  Add(*dir, request)->Start(plan, [this, key, done](const absl::Status& status) {
    if (!status.ok()) {
      ledger_->Release(key);
      Post([this, key] {
        const GangRunner* const gang = Find(key);
        if (gang == nullptr) gangs_.erase(key);  // It was refused, see Find().
      });
    }
    done(status);
  });
}

absl::Status GangTable::Stop(const v1::StopGangRequest& request) {
  DCHECK(loop_->OnLoop());
  MUSTER_RETURN_IF_ERROR(Admit(request.gang(), /*current_only=*/false));
  const Key key(request.gang().job_id(), request.gang().attempt());
  GangRunner* const gang = Find(key);
  if (gang == nullptr) return StopUnknown(key);
  absl::Duration grace = kDefaultGrace;
  const v1::Timeouts& timeouts = gang->request().spec().timeouts();
  if (timeouts.has_stop_grace()) grace = ToDuration(timeouts.stop_grace());
  if (request.has_grace()) grace = ToDuration(request.grace());
  return gang->Stop(grace, request.reason());
}

absl::Status GangTable::StopUnknown(const Key& key) {
  // Without it a start that is still on its way comes to nothing.
  ledger_->Release(key);
  const GangCgroup group = cgroups_->Name(key.first, key.second, CgroupLimits());
  if (CgroupRoot::Populated(group)) {  // Its record was damaged, and lies in quarantine.
    CgroupRoot::Kill(group);
    return absl::UnavailableError(absl::StrCat(
        Label(key), ": there are processes but no record of it here; they are being killed"));
  }
  CgroupRoot::Remove(group).IgnoreError();
  return absl::NotFoundError(absl::StrCat(Label(key), ": not on this host"));
}

absl::Status GangTable::Release(const v1::ReleaseGangRequest& request) {
  DCHECK(loop_->OnLoop());
  MUSTER_RETURN_IF_ERROR(Admit(request.gang(), /*current_only=*/false));
  const Key key(request.gang().job_id(), request.gang().attempt());
  const GangRunner* const gang = Find(key);
  if (gang != nullptr && !gang->finished()) {
    return absl::FailedPreconditionError(
        absl::StrCat(Label(key), ": it was started; stop it instead"));
  }
  ledger_->Release(key);
  return absl::OkStatus();
}

absl::Status GangTable::RestartRank(const v1::RestartRankRequest& request) {
  DCHECK(loop_->OnLoop());
  MUSTER_RETURN_IF_ERROR(Admit(request.gang(), /*current_only=*/true));
  MUSTER_ASSIGN_OR_RETURN(GangRunner* const gang,
                          Get(request.gang().job_id(), request.gang().attempt()));
  return gang->RestartRank(request.role(), request.rank(), request.restart());
}

absl::Status GangTable::ObserveEpoch(int64_t epoch) {
  DCHECK(loop_->OnLoop());
  if (epoch < epoch_) {
    return absl::AbortedError(
        absl::StrCat("epoch ", epoch, " is over: epoch ", epoch_, " was seen here"));
  }
  if (epoch == epoch_) return absl::OkStatus();
  epoch_ = epoch;
  // Not waited for: an intent carries its epoch itself, and queues behind this.
  disk_.Run([path = EpochPath(), epoch,
             durable = options_.durable] { return WriteCounter(path, epoch, durable); },
            [](const absl::Status& status) {
              if (!status.ok()) LOG(ERROR) << "epoch: " << status.message();
            });
  return absl::OkStatus();
}

std::vector<v1::GangReport> GangTable::Reports() const {
  std::vector<v1::GangReport> reports;
  for (const auto& [key, gang] : gangs_) {
    if (gang->refused() || gang->preparing() || gang->acked().has_value()) continue;
    reports.push_back(gang->report());
  }
  return reports;
}

void GangTable::Acknowledge(const std::string& job_id, int attempt, int64_t sequence) {
  if (GangRunner* gang = Find(Key(job_id, attempt))) gang->Acknowledge(sequence);
}

absl::StatusOr<OutputLog*> GangTable::FindOutput(const std::string& job_id, int attempt,
                                                 const std::string& role, int rank,
                                                 bool is_stderr) {
  MUSTER_ASSIGN_OR_RETURN(GangRunner* const gang, Get(job_id, attempt));
  return gang->FindOutput(role, rank, is_stderr);
}

absl::StatusOr<std::vector<std::pair<std::string, int>>> GangTable::RanksOf(
    const std::string& job_id, int attempt) {
  MUSTER_ASSIGN_OR_RETURN(const GangRunner* const gang, Get(job_id, attempt));
  std::vector<std::pair<std::string, int>> ranks;
  for (const v1::RankPlacement& rank : HostOf(gang->request()).ranks()) {
    ranks.emplace_back(rank.role(), rank.rank());
  }
  return ranks;
}

absl::Status GangTable::Admit(const v1::GangRef& gang, bool current_only) {
  if (!recovered_) return absl::UnavailableError("the agent is still recovering, try again");
  MUSTER_RETURN_IF_ERROR(GangDir::Make(options_.state_dir, gang.job_id(), gang.attempt()).status());
  MUSTER_RETURN_IF_ERROR(ObserveEpoch(gang.epoch()));
  if (!current_only) return absl::OkStatus();
  const int latest = LatestAttempt(gang.job_id());
  if (latest > gang.attempt()) {
    return absl::AbortedError(absl::StrCat("job ", gang.job_id(), ": attempt ", gang.attempt(),
                                           " is over, attempt ", latest, " was started here"));
  }
  return absl::OkStatus();
}

int GangTable::LatestAttempt(const std::string& job_id) const {
  const auto latest_in = [&job_id](const auto& map) {
    auto it = map.upper_bound(Key(job_id, std::numeric_limits<int>::max()));
    return it == map.begin() || std::prev(it)->first.first != job_id ? -1
                                                                     : std::prev(it)->first.second;
  };
  return std::max(latest_in(gangs_), latest_in(archive_));
}

GangRunner* GangTable::Find(const Key& key) {
  const auto it = gangs_.find(key);
  if (it != gangs_.end()) return it->second->refused() ? nullptr : it->second.get();
  if (archive_.count(key) == 0) return nullptr;
  const absl::StatusOr<GangDir> dir = GangDir::Make(options_.state_dir, key.first, key.second);
  std::vector<std::string> problems;
  const absl::StatusOr<FoundGang> found = ReadGang(*dir, &problems);
  if (!found.ok()) {
    LOG(ERROR) << Label(key) << ": " << found.status().message();
    return nullptr;
  }
  archive_.erase(key);
  const v1::StartGangRequest& request = found->intent.request;
  GangRunner* const gang = Add(*dir, request);
  gang->Recover(*found, [this, &dir, &request] { return MakePlan(*dir, request); });
  return gang;
}

absl::StatusOr<GangRunner*> GangTable::Get(const std::string& job_id, int attempt) {
  if (GangRunner* gang = Find(Key(job_id, attempt))) return gang;
  if (LatestAttempt(job_id) < 0) {
    return absl::NotFoundError(absl::StrCat("job ", job_id, ": not on this host"));
  }
  return absl::NotFoundError(
      absl::StrCat("job ", job_id, ": attempt ", attempt, " is not on this host"));
}

const GangRunner* GangTable::LivingSibling(const Key& key) const {
  for (auto it = gangs_.lower_bound(Key(key.first, 0));
       it != gangs_.end() && it->first.first == key.first; ++it) {
    const GangRunner& gang = *it->second;
    if (it->first != key && !gang.finished() && !gang.refused()) return &gang;
  }
  return nullptr;
}

GangRunner* GangTable::Add(const GangDir& dir, const v1::StartGangRequest& request) {
  const Key key(request.gang().job_id(), request.gang().attempt());
  GangRunner::Events events;
  events.on_report = [this](const v1::GangReport& report) {
    if (sink_) sink_(report);
  };
  events.on_finished = [this, key] { ledger_->Release(key); };
  std::unique_ptr<GangRunner>& gang = gangs_[key];
  gang = std::make_unique<GangRunner>(&host_, dir, request, std::move(events));
  return gang.get();
}

absl::StatusOr<HostGangPlan> GangTable::MakePlan(const GangDir& dir,
                                                 const v1::StartGangRequest& request) const {
  GangPlanHost host;
  host.gang_dir = dir.path();
  host.base_env = options_.base_env;
  host.durable = options_.durable;
  host.devices = ledger_->devices();
  host.topology = topology_;
  return BuildGangPlan(request, host);
}

void GangTable::Sweep() {
  for (auto it = gangs_.begin(); it != gangs_.end();) {
    GangRunner& gang = *it->second;
    if (!gang.settled() || !gang.RemoveCgroup()) {
      ++it;
      continue;
    }
    const v1::LogSpec& logs = gang.request().spec().logs();
    const absl::Duration keep = logs.has_keep() ? ToDuration(logs.keep()) : options_.keep_ended;
    archive_[it->first] = *gang.acked() + keep;
    it = gangs_.erase(it);
  }
  const absl::Time now = loop_->clock()->Wall();
  for (auto it = archive_.begin(); it != archive_.end();) {
    if (now < it->second) {
      ++it;
      continue;
    }
    LOG(INFO) << Label(it->first) << ": its files were kept for long enough";
    const absl::StatusOr<GangDir> dir =
        GangDir::Make(options_.state_dir, it->first.first, it->first.second);
    disk_.Run([dir = *dir] { return dir.Remove(); }, nullptr);
    it = archive_.erase(it);
  }
  SweepSoon();
}

void GangTable::SweepSoon() {
  loop_->After(kSweepInterval, [this, alive = alive_] {
    if (*alive) Sweep();
  });
}

void GangTable::Post(std::function<void()> task) {
  loop_->Post([alive = alive_, task = std::move(task)] {
    if (*alive) task();
  });
}

}  // namespace

std::unique_ptr<Gangs> Gangs::Make(const Options& options, EventLoop* loop, Ledger* ledger,
                                   const Topology* topology) {
  return std::make_unique<GangTable>(options, loop, ledger, topology);
}

}  // namespace muster

#include "agent/task/gang_table.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/task/gang_remains.h"
#include "agent/task/node_lease.h"
#include "agent/task/start_request.h"
#include "agent/task/state_counter.h"
#include "common/base/failpoint.h"
#include "common/base/status.h"
#include "glog/logging.h"

namespace muster {
namespace {

constexpr absl::Duration kSweepInterval = absl::Minutes(1);
constexpr absl::Duration kRemovesNothingFor = absl::Hours(1);
constexpr int kTakeUpTries = 3;
constexpr int kGoodbyeTries = 100;  // Of 1 ms, for shims on their way out.

std::vector<uint32_t> PortsOf(const v1::NodePlacement& here) {
  std::vector<uint32_t> ports;
  for (const v1::RankPlacement& rank : here.ranks()) {
    ports.insert(ports.end(), rank.ports().begin(), rank.ports().end());
    ports.insert(ports.end(), rank.fixed_ports().begin(), rank.fixed_ports().end());
  }
  return ports;
}

}  // namespace

GangTable::GangTable(const Options& options, EventLoop* loop, Ledger* ledger,
                     const Topology* topology)
    : options_(options),
      loop_(loop),
      ledger_(ledger),
      topology_(topology),
      disk_(loop, options.durable, options.on_disk_broken),
      cgroups_(CgroupRoot::Find(options.cgroup_root)) {
  host_.loop = loop;
  host_.disk = &disk_;
  host_.shim_path = options.shim_path;
  host_.node_name = options.node_name;
  host_.boot_id = BootId();
  host_.durable = options.durable;
  host_.epoch = std::make_shared<CounterFile>(EpochPath(), options.durable);
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
      [found, starts_path, epoch_path = EpochPath(), lease_path = LeasePath(),
       state_dir = options_.state_dir, durable = options_.durable,
       keeps_lease = options_.keeps_lease, cgroups = *cgroups_]() -> absl::Status {
        MUSTER_RETURN_IF_ERROR(MakeDirs(state_dir));
        MUSTER_ASSIGN_OR_RETURN(found->epoch, ReadCounter(epoch_path));
        if (keeps_lease) found->lease = ReadLease(lease_path);
        MUSTER_ASSIGN_OR_RETURN(found->starts, ReadCounter(starts_path));
        MUSTER_RETURN_IF_ERROR(WriteCounter(starts_path, ++found->starts, durable));
        const auto runs = [&cgroups](const GangDir& dir) {
          return ShimLives(dir) ||
                 HasRemains(dir.job_id(), dir.attempt(),
                            cgroups.Name(dir.job_id(), dir.attempt(), CgroupLimits()));
        };
        MUSTER_ASSIGN_OR_RETURN(found->on_disk, FindGangs(state_dir, runs));
        return absl::OkStatus();
      },
      [this, found, done](const absl::Status& status) {
        done(status.ok() ? TakeUp(std::move(*found)) : status);
      });
}

absl::Status GangTable::TakeUp(Found found) {
  recovered_ = true;
  removes_from_ = loop_->clock()->Boot() + kRemovesNothingFor;
  epoch_ = found.epoch;
  lease_ = found.lease;
  host_.lease = lease_;
  // Reports of one gang must grow in sequence over all lives of the agent.
  host_.first_sequence = found.starts << 32;
  for (const std::string& problem : found.on_disk.problems) LOG(ERROR) << problem;
  for (const FoundGang& gang : found.on_disk.gangs) {
    const v1::StartGangRequest& request = gang.intent.request;
    const Key key(request.gang().job_id(), request.gang().attempt());
    const absl::Status check = CheckStart(request);
    if (!check.ok() || key != Key(gang.dir.job_id(), gang.dir.attempt())) {
      LOG(ERROR) << gang.dir.path() << ": its intent, of " << Label(key)
                 << ", makes no sense; set aside until it ends: " << check.message();
      PutAsideUnread(gang.dir);
      continue;
    }
    const bool lives = !gang.report.has_value();
    // That of an intent is on disk by itself. Who removes STATE/epoch means it, but for what runs.
    if (lives) epoch_ = std::max(epoch_, request.gang().epoch());
    if (const int died = lives ? gang.dir.BeginTry() : 0; died >= kTakeUpTries) {
      LOG(ERROR) << Label(key) << ": " << died
                 << " agents have died while they took it up; it is set "
                 << "aside. To try it again remove " << gang.dir.path() << "/tries and restart";
      PutAside(gang.dir, KeepsFence(request.spec()));
      continue;
    }
    Failpoint("agent.take_up");
    const v1::NodePlacement& here = HostOf(request);
    if (!gang.report.has_value()) ledger_->Adopt(key, DevicesOf(here), PortsOf(here));
    GangRunner* const runner = Add(gang.dir, request);
    // Its shim may have fenced it: then it has ended by now, and nobody else will say so.
    if (LeaseHasRunOut()) runner->NoteFence();
    runner->Recover(gang, [this, &gang, &request] { return MakePlan(gang.dir, request); });
    if (lives) gang.dir.EndTry();
  }
  for (const GangDir& dir : found.on_disk.aside) PutAsideUnread(dir);
  if (LeaseHasRunOut()) Fence();
  SweepSoon();
  return absl::OkStatus();
}

void GangTable::PutAside(const GangDir& dir, std::optional<bool> keeps_fence) {
  const Key key(dir.job_id(), dir.attempt());
  aside_[key] = std::make_unique<SetAside>(
      dir, cgroups_->Name(key.first, key.second, CgroupLimits()), keeps_fence, host_.first_sequence,
      loop_, [this](const v1::GangReport& report) {
        if (sink_) sink_(report);
      });
}

// Without an msshim its ranks write into pipes that nobody reads, and nobody will know how they
// ended.
void GangTable::PutAsideUnread(const GangDir& dir) {
  PutAside(dir, std::nullopt);
  aside_[Key(dir.job_id(), dir.attempt())]->StopWithoutShim(kDefaultGrace);
}

std::string GangTable::degraded() const {
  if (aside_.empty()) return "";
  return absl::StrCat("degraded: ", Label(aside_.begin()->first),
                      aside_.size() > 1 ? absl::StrCat(" and ", aside_.size() - 1, " more") : "",
                      " could not be taken up and is left alone until it ends");
}

absl::Status GangTable::Admit(const v1::GangRef& gang, bool current_only) {
  if (!recovered_) return absl::UnavailableError("the agent is still recovering, try again");
  MUSTER_RETURN_IF_ERROR(GangDir::Make(options_.state_dir, gang.job_id(), gang.attempt()).status());
  MUSTER_RETURN_IF_ERROR(ObserveEpoch(gang.epoch()));
  if (!current_only) return absl::OkStatus();
  if (LeaseHasRunOut()) {
    return absl::UnavailableError("this host's lease has run out: it is cut off; try again");
  }
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
  return std::max({latest_in(gangs_), latest_in(archive_), latest_in(aside_)});
}

GangRunner* GangTable::Find(const Key& key) {
  const auto it = gangs_.find(key);
  if (it != gangs_.end()) return it->second->refused() ? nullptr : it->second.get();
  const auto archived = archive_.find(key);
  if (archived == archive_.end()) return nullptr;
  const absl::StatusOr<GangDir> dir = GangDir::Make(options_.state_dir, key.first, key.second);
  std::vector<std::string> problems;
  absl::StatusOr<FoundGang> found = ReadGang(*dir, &problems);
  if (!found.ok()) {
    LOG(ERROR) << Label(key) << ": " << found.status().message();
    return nullptr;
  }
  if (found->acked.has_value()) found->acked = archived->second.acked;
  archive_.erase(archived);
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
  events.on_finished = [this, key] {
    if (!Planted("forget_release")) ledger_->Release(key);
  };
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
  if (lease_.has_value() && KeepsFence(request.spec())) {
    host.fence_until = lease_->until;
    host.fence_grace = lease_->grace;
  }
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
    archive_.emplace(it->first, Archived{*gang.acked(), keep});
    it = gangs_.erase(it);
  }
  const Clock& clock = *loop_->clock();
  const bool removes = clock.Boot() >= removes_from_;
  for (auto it = archive_.begin(); it != archive_.end();) {
    if (!removes || it->second.acked.Age(clock) < it->second.keep) {
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

std::string GangTable::Label(const Key& gang) {
  return absl::StrCat("job ", gang.first, " attempt ", gang.second);
}

absl::Duration GangTable::ToDuration(const google::protobuf::Duration& value) {
  return absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
}

std::vector<v1::DeviceId> GangTable::DevicesOf(const v1::NodePlacement& here) {
  return std::vector<v1::DeviceId>(here.devices().begin(), here.devices().end());
}

}  // namespace muster

#include "agent/task/gangs.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/task/gang_table.h"
#include "agent/task/start_request.h"
#include "agent/task/state_counter.h"
#include "common/base/failpoint.h"
#include "common/base/status.h"
#include "glog/logging.h"

namespace muster {
namespace {

std::vector<uint32_t> FixedPortsOf(const v1::NodePlacement& here) {
  std::vector<uint32_t> ports;
  for (const v1::RankPlacement& rank : here.ranks()) {
    ports.insert(ports.end(), rank.fixed_ports().begin(), rank.fixed_ports().end());
  }
  return ports;
}

}  // namespace

std::unique_ptr<Gangs> Gangs::Make(const Options& options, EventLoop* loop, Ledger* ledger,
                                   const Topology* topology) {
  return std::make_unique<GangTable>(options, loop, ledger, topology);
}

absl::StatusOr<v1::NodePlacement> GangTable::Reserve(const v1::ReserveGangRequest& request) {
  DCHECK(loop_->OnLoop());
  MUSTER_RETURN_IF_ERROR(Admit(request.gang(), /*current_only=*/true));
  if (!aside_.empty()) return absl::UnavailableError(degraded());
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
  MUSTER_ASSIGN_OR_RETURN(const Ports granted,
                          ledger_->Reserve(key, DevicesOf(placement), ports,
                                           ToDuration(request.ttl()), FixedPortsOf(placement)));
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
  Failpoint("agent.after_ledger_commit");
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
  if (const auto it = aside_.find(key); it != aside_.end()) {
    it->second->Stop(request.has_grace() ? ToDuration(request.grace()) : kDefaultGrace);
    return absl::OkStatus();
  }
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
  if (epoch < epoch_ && !Planted("accept_older_epoch")) {
    return absl::AbortedError(
        absl::StrCat("epoch ", epoch, " is over: epoch ", epoch_, " was seen here"));
  }
  if (epoch == epoch_) return absl::OkStatus();
  epoch_ = epoch;
  // Not waited for: an intent queues behind this, and is not written without.
  disk_.Run([file = host_.epoch, epoch] { return file->Save(epoch); },
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
  for (const auto& [key, gang] : aside_) reports.push_back(gang->report());
  return reports;
}

void GangTable::Acknowledge(const std::string& job_id, int attempt, int64_t sequence) {
  const Key key(job_id, attempt);
  if (const auto it = aside_.find(key); it != aside_.end()) {
    if (it->second->Acknowledge(sequence)) aside_.erase(it);
    return;
  }
  if (GangRunner* gang = Find(key)) gang->Acknowledge(sequence);
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

}  // namespace muster

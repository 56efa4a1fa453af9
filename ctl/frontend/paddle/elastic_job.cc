#include "ctl/frontend/paddle/elastic_job.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status.h"
#include "common/etcd/etcd_client.h"
#include "ctl/frontend/paddle/job_mode.h"

namespace muster {
namespace {

constexpr absl::Duration kStatusTtl = absl::Seconds(600);
constexpr absl::Duration kReportEvery = absl::Seconds(5);
constexpr absl::Duration kMeetPause = absl::Milliseconds(300);
// Another node may take its processes' whole grace before it comes to the meeting.
constexpr absl::Duration kMeetTimeout = absl::Seconds(60);

}  // namespace

ElasticJob::ElasticJob(const PaddleJobParts& parts, std::unique_ptr<Etcd> etcd)
    : parts_(parts),
      etcd_(std::move(etcd)),
      members_(parts.loop, etcd_.get(), parts.settings->flags.job_id, parts.settings->pod_name,
               parts.settings->node_ip),
      info_prefix_(absl::StrCat("/", parts.settings->flags.job_id, "/info/")),
      status_key_(absl::StrCat("/paddle/", parts.settings->flags.job_id)),
      failure_key_(absl::StrCat("/muster/", parts.settings->flags.job_id, "/failed")) {}

ElasticJob::~ElasticJob() { CancelTimers(); }

void ElasticJob::CancelTimers() {
  for (const EventLoop::TimerId timer : {wait_timer_, report_timer_, meet_timer_}) {
    parts_.loop->Cancel(timer);
  }
}

void ElasticJob::Start() {
  if (flags().job_id == "default") {
    parts_.log->Warning("Using default job name may cause conflict, add --job_id in args");
  }
  Wait();
  members_.Start([this] { OnMembers(); });
}

void ElasticJob::OnMembers() {
  if (state_ == State::kRunning) return OnPeerChange();
  if (state_ == State::kMeeting && members_.count() != size_) return Wait();
  if (state_ != State::kWaiting || !members_.ready()) return;
  if (members_.count() == flags().max_nodes) return Meet(members_.count());
  if (members_.count() > flags().max_nodes && members_.Position() >= flags().max_nodes) {
    parts_.log->Error(absl::StrCat("the job has its ", flags().max_nodes,
                                   " nodes already: ", Present(),
                                   "; raise --nnodes on all, or choose another --job_id"));
    return End(1);
  }
  if (members_.count() == waited_count_) return;
  parts_.log->Info(Present());
  Wait();  // Things move: their time begins anew.
}

void ElasticJob::Wait() {
  CancelTimers();
  if (!std::exchange(waiting_, true)) parts_.log->Info("Waiting peer ready...");
  state_ = State::kWaiting;
  waited_count_ = members_.count();
  const absl::Duration timeout = PaddleStartTimeout(flags());
  deadline_ = parts_.loop->clock()->Boot() + timeout;
  wait_timer_ = parts_.loop->After(timeout, [this] { WaitedEnough(); });
  report_timer_ = parts_.loop->After(kReportEvery, [this] { Report(); });
  if (members_.ready() && members_.count() == flags().max_nodes) Meet(members_.count());
}

void ElasticJob::WaitedEnough() {
  const int count = members_.count();
  if (members_.ready() && count >= flags().min_nodes && count <= flags().max_nodes) {
    return Meet(count);
  }
  std::string why = "; start the same command on the missing nodes, or raise --elastic_timeout";
  if (!members_.trouble().empty()) {
    why = absl::StrCat("; ", flags().master, ": ", members_.trouble());
  }
  parts_.log->Error(absl::StrCat("peer not ready: after ",
                                 absl::FormatDuration(PaddleStartTimeout(flags())), " ", Present(),
                                 why));
  End(1);
}

std::string ElasticJob::Present() const {
  const std::string wanted =
      flags().min_nodes == flags().max_nodes
          ? absl::StrCat(flags().max_nodes)
          : absl::StrCat("at least ", flags().min_nodes, " and at most ", flags().max_nodes);
  return absl::StrCat(members_.count(), " of ", wanted, " nodes are here",
                      members_.count() > 0 ? ": " : "", absl::StrJoin(members_.Names(), ", "));
}

void ElasticJob::Report() {
  const absl::Duration left = deadline_ - parts_.loop->clock()->Boot();
  const std::string until =
      absl::StrCat("; waiting ", absl::ToInt64Seconds(left), " s more at most");
  if (!members_.ready()) {
    parts_.log->Warning(
        absl::StrCat("master not ready: ", flags().master, ": ", members_.trouble(), until));
  } else {
    parts_.log->Warning(absl::StrCat(Present(), until));
  }
  report_timer_ = parts_.loop->After(kReportEvery, [this] { Report(); });
}

// --- The generation's nodes tell each other their endpoints. ---

void ElasticJob::Meet(int size) {
  CancelTimers();
  state_ = State::kMeeting;
  size_ = size;
  const absl::StatusOr<PaddleNode> own =
      OfferPaddleNode(*parts_.settings, PaddleMode::kCollective, parts_.ports);
  if (!own.ok()) {
    parts_.log->Error(own.status().message());
    return End(1);
  }
  own_ = *own;
  if (size < 2) return Run(PaddleNodes{{own_}, 0});
  parts_.log->Info("Waiting peer start...");
  wait_timer_ = parts_.loop->After(kMeetTimeout, [this] { Wait(); });
  // What an earlier generation left behind.
  etcd_->Delete(info_prefix_, /*prefix=*/true, [this](const absl::StatusOr<int64_t>&) {
    if (state_ == State::kMeeting) WriteOwn();
  });
}

void ElasticJob::WriteOwn() {
  const std::string key = absl::StrCat(info_prefix_, own_.name, "/", own_.rank);
  etcd_->Put(key, own_.ToJson(), /*lease=*/0, [this](const absl::StatusOr<int64_t>& revision) {
    if (state_ != State::kMeeting) return;
    revision.ok() ? ReadNodes() : AgainSoon();
  });
}

void ElasticJob::ReadNodes() {
  etcd_->Get(info_prefix_, /*prefix=*/true, [this](const absl::StatusOr<EtcdRange>& range) {
    if (state_ != State::kMeeting) return;
    if (!range.ok() || static_cast<int>(range->entries.size()) != size_) return AgainSoon();
    std::map<std::string, std::string> entries;
    for (const EtcdEntry& entry : range->entries) entries[entry.key] = entry.value;
    if (entries.count(absl::StrCat(info_prefix_, own_.name, "/", own_.rank)) == 0) {
      return AgainSoon();  // Somebody who came later has tidied up.
    }
    began_revision_ = range->revision;
    Run(OrderPaddleNodes(entries, own_, flags().sort_ip));
  });
}

void ElasticJob::AgainSoon() {
  parts_.loop->Cancel(meet_timer_);
  meet_timer_ = parts_.loop->After(kMeetPause, [this] { WriteOwn(); });
}

void ElasticJob::Run(const absl::StatusOr<PaddleNodes>& nodes) {
  CancelTimers();
  state_ = State::kRunning;
  waiting_ = false;
  absl::Status status = nodes.status();
  if (status.ok()) {
    parts_.note_nodes(nodes->nodes);
    PutStatus("running", [] {});
    const absl::StatusOr<PodPlan> plan =
        PlanPaddlePod(*parts_.settings, PaddleMode::kCollective, *nodes, size_);
    status = plan.status();
    if (status.ok()) {
      ++runs_;
      status = parts_.runner->Start(*plan, *parts_.settings,
                                    [this](const PodEnd& end) { OnPodEnd(end); });
    }
  }
  if (status.ok()) return;
  parts_.log->Error(status.message());
  End(1);
}

// --- Its end. ---

void ElasticJob::OnPodEnd(const PodEnd& end) {
  if (state_ == State::kLooking) ended_meanwhile_ = end;
  if (state_ != State::kRunning) return;
  if (end.exit_code != 0) return AfterOwnFailure(end);
  state_ = State::kEnding;
  // The status first: it tells the others that this node's key goes for no bad reason.
  PutStatus("completed", [this] { End(0); });
}

void ElasticJob::AfterOwnFailure(const PodEnd& end) {
  state_ = State::kStopping;
  const std::string failure =
      absl::StrCat(end.exit_code, " ", parts_.settings->node_ip, " ", end.what);
  const bool leaves = flags().elastic_level <= 0;
  auto left = std::make_shared<int>(2);  // The stop here, and the word to the others.
  const auto one_done = [this, leaves, code = end.exit_code, left] {
    if (--*left == 0) leaves ? End(code) : NextGeneration(code);
  };
  etcd_->Put(failure_key_, failure, /*lease=*/0, [this, one_done](const auto&) {
    PutStatus("failed", [this, one_done] { members_.WakeAll(one_done); });
  });
  parts_.runner->Stop(leaves ? kPaddleFailureGrace : kPaddleSignalGrace, one_done);
}

void ElasticJob::OnPeerChange() {
  state_ = State::kLooking;
  ended_meanwhile_.reset();
  EtcdTxn look;
  look.success = {{EtcdOp::Kind::kGet, status_key_}, {EtcdOp::Kind::kGet, failure_key_}};
  etcd_->Commit(look, [this](const absl::StatusOr<EtcdTxnResult>& result) {
    if (state_ != State::kLooking) return;
    int exit_code = 1;
    std::string what = "a node came or went";
    if (result.ok() && result->gets.size() == 2) {
      const std::vector<EtcdEntry>& status = result->gets[0].entries;
      const std::vector<EtcdEntry>& failure = result->gets[1].entries;
      if (!status.empty() && status[0].value == "completed" &&
          status[0].mod_revision > began_revision_) {
        return GoOn();  // Nodes that have completed leave.
      }
      if (!failure.empty() && failure[0].mod_revision > began_revision_) {
        const std::vector<std::string> words =
            absl::StrSplit(failure[0].value, absl::MaxSplits(' ', 2));
        if (words.size() == 3 && absl::SimpleAtoi(words[0], &exit_code)) {
          if (exit_code < 1 || exit_code > 255) exit_code = 1;
          what = absl::StrCat("node ", words[1], " failed: ", words[2]);
        }
      }
    }
    if (ended_meanwhile_ && ended_meanwhile_->exit_code == 0) return GoOn();
    AfterPeerChange(exit_code, what);
  });
}

void ElasticJob::GoOn() {
  state_ = State::kRunning;
  if (ended_meanwhile_) OnPodEnd(*ended_meanwhile_);
}

void ElasticJob::AfterPeerChange(int exit_code, const std::string& what) {
  state_ = State::kStopping;
  const bool ends = flags().elastic_level < 0;
  parts_.log->Warning(absl::StrCat(what, ends ? "; --elastic_level -1: the job ends"
                                              : "; the job begins anew with who is here"));
  parts_.runner->Stop(ends ? kPaddleFailureGrace : kPaddleSignalGrace, [this, ends, exit_code] {
    if (state_ != State::kStopping) return;
    ends ? End(exit_code) : NextGeneration(exit_code);
  });
}

void ElasticJob::NextGeneration(int exit_code) {
  // The original counts from -1: there are max_restart + 2 runs.
  if (runs_ >= flags().max_restart + 2) {
    parts_.log->Error(absl::StrCat("--max_restart=", flags().max_restart, ": no restart is left"));
    return End(exit_code);
  }
  Wait();
}

void ElasticJob::PutStatus(const char* status, std::function<void()> done) {
  etcd_->Grant(kStatusTtl, [this, status = std::string(status),
                            done = std::move(done)](const absl::StatusOr<int64_t>& lease) {
    if (!lease.ok()) return done();
    etcd_->Put(status_key_, status, *lease, [done](const absl::StatusOr<int64_t>&) { done(); });
  });
}

void ElasticJob::End(int exit_code) {
  CancelTimers();
  state_ = State::kEnding;
  auto left = std::make_shared<int>(2);
  const auto one_done = [this, exit_code, left] {
    if (--*left == 0) parts_.finish(exit_code);
  };
  members_.Leave(one_done);
  parts_.runner->Stop(kPaddleFailureGrace, one_done);
}

void ElasticJob::Leave(int /*exit_code*/, const std::string& /*what*/, std::function<void()> done) {
  CancelTimers();
  state_ = State::kEnding;
  members_.Leave(std::move(done));
}

absl::StatusOr<std::unique_ptr<RunningPaddleJob>> MakeElasticJob(const PaddleJobParts& parts) {
  EtcdClientOptions options;
  options.endpoints = {std::string(absl::StripPrefix(parts.settings->flags.master, "etcd://"))};
  MUSTER_ASSIGN_OR_RETURN(std::unique_ptr<Etcd> etcd, MakeEtcdClient(parts.loop, options));
  return std::unique_ptr<RunningPaddleJob>(new ElasticJob(parts, std::move(etcd)));
}

}  // namespace muster

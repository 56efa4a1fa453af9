#include "tests/fakes/fake_agent.h"

#include <algorithm>
#include <csignal>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

FakeAgent::Key KeyOf(const v1::GangRef& gang) { return {gang.job_id(), gang.attempt()}; }

bool Ended(const v1::RankStatus& rank) { return rank.state() == v1::RANK_STATE_EXITED; }

uint64_t NextSession() {
  static uint64_t last = 0;
  return ++last;
}

}  // namespace

class FakeAgentChannel : public AgentChannel {
 public:
  explicit FakeAgentChannel(FakeAgent* agent) : agent_(agent) {}

  void Reserve(const v1::ReserveGangRequest& request, Done<v1::ReserveGangResponse> done) override {
    agent_->Asked("reserve", request.gang());
    const auto answer = [agent = agent_, request, done] { done(agent->Reserve(request)); };
    if (agent_->hold_reserve) return agent_->held_.push_back(answer);
    agent_->loop_->Post(answer);
  }
  void Start(const v1::StartGangRequest& request, Done<v1::StartGangResponse> done) override {
    agent_->Asked("start", request.gang());
    absl::Status status = agent_->Start(request);
    if (agent_->silent_start) return;
    if (agent_->lose_start_reply) status = absl::UnavailableError("the connection broke");
    Answer<v1::StartGangResponse>(status, done);
  }
  void Stop(const v1::StopGangRequest& request, Done<v1::StopGangResponse> done) override {
    agent_->Asked("stop", request.gang());
    Answer<v1::StopGangResponse>(agent_->Stop(request), done);
  }
  void Release(const v1::ReleaseGangRequest& request, Done<v1::ReleaseGangResponse> done) override {
    agent_->Asked("release", request.gang());
    agent_->reserved_.erase(KeyOf(request.gang()));
    Answer<v1::ReleaseGangResponse>(absl::OkStatus(), done);
  }
  void RestartRank(const v1::RestartRankRequest& request,
                   Done<v1::RestartRankResponse> done) override {
    agent_->Asked("restart", request.gang());
    Answer<v1::RestartRankResponse>(agent_->RestartRank(request), done);
  }

 private:
  template <typename Response>
  void Answer(const absl::Status& status, Done<Response> done) {
    agent_->loop_->Post([status, done] {
      if (status.ok()) return done(Response());
      done(status);
    });
  }

  FakeAgent* const agent_;
};

FakeAgent::FakeAgent(EventLoop* loop, const std::string& name, int devices) : loop_(loop) {
  info_.set_id(absl::StrCat("id-", name));
  info_.set_name(name);
  info_.set_incarnation(1);
  info_.set_address("127.0.0.1");
  info_.set_agent_address(name);
  info_.set_boot_id("boot-1");
  info_.set_cpus(8);
  for (int i = 0; i < devices; ++i) {
    v1::Device* const device = info_.add_devices();
    device->set_kind("nvidia");
    device->set_physical(i);
    device->set_numa_node(-1);
    device->set_healthy(true);
  }
}

absl::Status FakeAgent::Connect(Scheduler* scheduler) {
  v1::NodeHello hello;
  *hello.mutable_info() = info_;
  hello.set_keeps_lease(keeps_lease);
  for (const auto& [key, report] : gangs_) *hello.add_gangs() = report;
  const uint64_t session = NextSession();
  const absl::StatusOr<v1::NodeWelcome> welcome =
      scheduler->NodeConnected(hello, session, [this, session] {
        if (session_ == session) scheduler_ = nullptr;
      });
  if (!welcome.ok()) return welcome.status();
  scheduler_ = scheduler;
  session_ = session;
  for (const v1::GangReport& report : hello.gangs()) Say(report);
  return absl::OkStatus();
}

void FakeAgent::Disconnect() {
  if (scheduler_ != nullptr) scheduler_->NodeDisconnected(session_);
  scheduler_ = nullptr;
}

void FakeAgent::Beat() {
  if (scheduler_ != nullptr) scheduler_->NodeHeartbeat(session_);
}

void FakeAgent::Restart(bool loses_gangs) {
  Disconnect();
  info_.set_incarnation(info_.incarnation() + 1);
  reserved_.clear();
  if (loses_gangs) gangs_.clear();
}

void FakeAgent::Reboot() {
  Restart(/*loses_gangs=*/true);
  info_.set_boot_id(absl::StrCat(info_.boot_id(), "+"));
}

std::unique_ptr<AgentChannel> FakeAgent::MakeChannel() {
  return std::make_unique<FakeAgentChannel>(this);
}

void FakeAgent::ReleaseHeld() {
  hold_reserve = false;
  for (const auto& answer : held_) loop_->Post(answer);
  held_.clear();
}

void FakeAgent::Asked(const std::string& verb, const v1::GangRef& gang) {
  asked_.push_back(absl::StrCat(verb, " ", gang.job_id(), "/", gang.attempt()));
  epoch_ = std::max(epoch_, gang.epoch());
}

int FakeAgent::CountAsked(const std::string& verb) const {
  return static_cast<int>(std::count_if(
      asked_.begin(), asked_.end(),
      [&verb](const std::string& line) { return absl::StartsWith(line, verb + " "); }));
}

absl::StatusOr<v1::ReserveGangResponse> FakeAgent::Reserve(const v1::ReserveGangRequest& request) {
  if (!reserve_answer.ok()) return reserve_answer;
  v1::ReserveGangResponse response;
  *response.mutable_placement() = request.placement();
  uint32_t port = 20000;
  for (int i = 0; i < request.ports_size(); ++i) {
    for (int k = 0; k < request.ports(i); ++k) {
      response.mutable_placement()->mutable_ranks(i)->add_ports(port++);
    }
  }
  reserved_[KeyOf(request.gang())] = response.placement();
  return response;
}

absl::Status FakeAgent::Start(const v1::StartGangRequest& request) {
  const Key key = KeyOf(request.gang());
  if (!start_answer.ok()) {
    if (report_refused_start) SayStarting(request);
    return start_answer;
  }
  if (Has(key)) return absl::OkStatus();
  if (reserved_.count(key) == 0) {
    return absl::FailedPreconditionError("the reservation has lapsed");
  }
  starts_[key] = request;
  v1::GangReport& report = gangs_[key];
  report.set_job_id(key.first);
  report.set_attempt(key.second);
  for (const v1::RankPlacement& placed : reserved_.at(key).ranks()) {
    v1::RankStatus* const rank = report.add_ranks();
    rank->set_role(placed.role());
    rank->set_rank(placed.rank());
    rank->set_state(v1::RANK_STATE_STARTING);
  }
  if (run_at_once) loop_->Post([this, key] { Run(key); });
  return absl::OkStatus();
}

void FakeAgent::SayStarting(const v1::StartGangRequest& request) {
  v1::GangReport report;
  report.set_job_id(request.gang().job_id());
  report.set_attempt(request.gang().attempt());
  report.set_sequence(++sequence_);
  for (const v1::RankPlacement& placed : request.placement().nodes(request.node_rank()).ranks()) {
    v1::RankStatus* const rank = report.add_ranks();
    rank->set_role(placed.role());
    rank->set_rank(placed.rank());
    rank->set_state(v1::RANK_STATE_STARTING);
  }
  loop_->Post([this, report] { Say(report); });
}

absl::Status FakeAgent::Stop(const v1::StopGangRequest& request) {
  const Key key = KeyOf(request.gang());
  if (!stop_answer.ok()) return stop_answer;
  reserved_.erase(key);
  if (!Has(key)) return absl::NotFoundError("not on this host");
  if (!obey_stop) return absl::OkStatus();
  loop_->Post([this, key] {
    if (!Has(key)) return;
    v1::ExitResult exit;
    exit.set_signal(SIGTERM);
    exit.set_stopped(true);
    ExitAll(key, exit);
  });
  return absl::OkStatus();
}

absl::Status FakeAgent::RestartRank(const v1::RestartRankRequest& request) {
  const Key key = KeyOf(request.gang());
  if (!Has(key)) return absl::NotFoundError("no such gang");
  for (v1::RankStatus& rank : *gangs_.at(key).mutable_ranks()) {
    if (rank.role() != request.role() || rank.rank() != request.rank()) continue;
    rank.set_restarts(request.restart());
    rank.set_state(v1::RANK_STATE_RUNNING);
    rank.clear_exit();
  }
  loop_->Post([this, key] { Report(key); });
  return absl::OkStatus();
}

void FakeAgent::Run(const Key& gang) {
  if (!Has(gang)) return;
  int pid = 1000;
  for (v1::RankStatus& rank : *gangs_.at(gang).mutable_ranks()) {
    if (Ended(rank)) continue;
    rank.set_state(v1::RANK_STATE_RUNNING);
    rank.set_pid(++pid);
    rank.mutable_start_time()->set_seconds(absl::ToUnixSeconds(loop_->clock()->Wall()));
  }
  Report(gang);
}

void FakeAgent::Exit(const Key& gang, const std::string& role, int rank,
                     const v1::ExitResult& exit) {
  v1::GangReport& report = gangs_.at(gang);
  for (v1::RankStatus& status : *report.mutable_ranks()) {
    if (status.role() != role || status.rank() != rank || Ended(status)) continue;
    status.set_state(v1::RANK_STATE_EXITED);
    *status.mutable_exit() = exit;
    const int64_t now = absl::ToUnixNanos(loop_->clock()->Wall());
    status.mutable_end_time()->set_seconds(now / 1000000000);
    status.mutable_end_time()->set_nanos(static_cast<int32_t>(now % 1000000000));
    status.set_end_boottime_ns(absl::ToInt64Nanoseconds(loop_->clock()->Boot()));
  }
  report.set_finished(std::all_of(report.ranks().begin(), report.ranks().end(), Ended));
  Report(gang);
}

void FakeAgent::ExitAll(const Key& gang, const v1::ExitResult& exit) {
  const v1::GangReport before = gangs_.at(gang);
  for (const v1::RankStatus& rank : before.ranks()) Exit(gang, rank.role(), rank.rank(), exit);
}

void FakeAgent::Fence(const Key& gang) {
  gangs_.at(gang).set_fenced(true);
  v1::ExitResult exit;
  exit.set_signal(SIGTERM);
  exit.set_stopped(true);
  ExitAll(gang, exit);
}

void FakeAgent::Repeat(const Key& gang) { Say(gangs_.at(gang)); }

void FakeAgent::Report(const Key& gang) {
  gangs_.at(gang).set_sequence(++sequence_);
  Say(gangs_.at(gang));
}

void FakeAgent::Say(const v1::GangReport& report) {
  if (scheduler_ == nullptr) return;
  scheduler_->NodeReport(session_, report, [this](const v1::GangReportAck& ack) {
    acks_.push_back(ack);
    const Key key(ack.job_id(), ack.attempt());
    const auto it = gangs_.find(key);
    if (it != gangs_.end() && it->second.finished() && it->second.sequence() == ack.sequence()) {
      gangs_.erase(it);
    }
  });
}

}  // namespace muster

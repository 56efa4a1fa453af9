#include "ctl/frontend/paddle/peer_watch.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

constexpr absl::Duration kBeat = absl::Milliseconds(500);
constexpr absl::Duration kLost = absl::Seconds(20);
constexpr absl::Duration kLinger = absl::Seconds(3);
// A peer reads the list of nodes twice a second, and only then has a state: by then all have.
constexpr absl::Duration kListRead = absl::Seconds(2);
constexpr absl::Duration kLingerPause = absl::Milliseconds(50);
// Says that the launcher that serves writes states; its value is that launcher's own key.
constexpr char kServerKey[] = "server";

std::string AddressIn(const std::string& state) {
  const std::vector<std::string> words = absl::StrSplit(state, absl::MaxSplits(' ', 3));
  return words.size() > 2 ? words[2] : "?";
}

bool IsRunning(const std::string& state) { return absl::StartsWith(state, "running "); }

}  // namespace

PeerWatch::PeerWatch(EventLoop* loop, KvClient* client, const std::string& job_id,
                     const std::string& name, const std::string& address, bool serves, int peers)
    : loop_(loop),
      client_(client),
      prefix_(absl::StrCat("/muster/", job_id, "/")),
      own_key_(absl::StrCat(prefix_, name)),
      address_(address),
      serves_(serves),
      peer_count_(peers) {}

PeerWatch::~PeerWatch() { loop_->Cancel(timer_); }

void PeerWatch::Start(std::function<void(const PeerFailure& failure)> on_failure) {
  on_failure_ = std::move(on_failure);
  began_at_ = heard_at_ = loop_->clock()->Boot();
  if (serves_) {
    client_->Put(absl::StrCat(prefix_, kServerKey), own_key_, [](const absl::Status&) {});
  }
  Beat();
}

void PeerWatch::Beat() {
  const std::string state = absl::StrCat("running ", ++count_, " ", address_);
  putting_ = true;
  client_->Put(own_key_, state, [this](const absl::Status& status) {
    putting_ = false;
    if (on_heard_ != nullptr) return PutEnd();
    if (status.ok()) return Read();
    if (server_completed_) return;  // It has ended well, and its keys with it.
    CheckLost();
    if (on_failure_ != nullptr) timer_ = loop_->After(kBeat, [this] { Beat(); });
  });
}

void PeerWatch::Read() {
  client_->WithPrefix(prefix_, [this](const auto& states) {
    if (on_failure_ == nullptr) return;  // The end has come in between.
    if (states.ok()) OnStates(*states);
    CheckLost();
    if (on_failure_ != nullptr) timer_ = loop_->After(kBeat, [this] { Beat(); });
  });
}

void PeerWatch::OnStates(const std::map<std::string, std::string>& states) {
  const absl::Duration now = loop_->clock()->Boot();
  heard_at_ = now;
  const std::string server_entry = absl::StrCat(prefix_, kServerKey);
  const auto server = states.find(server_entry);
  server_is_ours_ = server != states.end();
  for (const auto& [key, state] : states) {
    if (key == own_key_ || key == server_entry) continue;
    Peer& peer = peers_[key];
    if (peer.state == state) continue;
    peer.state = state;
    peer.changed_at = now;
    ++peer.changes;
    if (server_is_ours_ && key == server->second) {
      server_completed_ = absl::StartsWith(state, "completed ");
    }
    if (!absl::StartsWith(state, "failed ")) continue;
    const std::vector<std::string> words = absl::StrSplit(state, absl::MaxSplits(' ', 3));
    PeerFailure failure;
    if (words.size() < 4 || !absl::SimpleAtoi(words[1], &failure.exit_code)) continue;
    if (failure.exit_code < 1 || failure.exit_code > 255) failure.exit_code = 1;
    failure.node = words[2];
    failure.what = words[3];
    Fail(failure);
  }
}

void PeerWatch::CheckLost() {
  const absl::Duration now = loop_->clock()->Boot();
  if (server_is_ours_ && !serves_ && !server_completed_ && now - heard_at_ > kLost) {
    PeerFailure failure;
    failure.node = "of the master";
    failure.what = absl::StrCat("it has not answered for ", absl::FormatDuration(kLost));
    return Fail(failure);
  }
  if (now - heard_at_ > kBeat * 4) return;  // Nobody's state is known now.
  for (const auto& [key, peer] : peers_) {
    if (!IsRunning(peer.state) || now - peer.changed_at <= kLost) continue;
    PeerFailure failure;
    failure.node = AddressIn(peer.state);
    failure.what = absl::StrCat("its launcher has said nothing for ", absl::FormatDuration(kLost));
    return Fail(failure);
  }
}

void PeerWatch::Fail(const PeerFailure& failure) {
  if (on_failure_ != nullptr) std::exchange(on_failure_, nullptr)(failure);
}

void PeerWatch::End(int exit_code, absl::string_view what, std::function<void()> done) {
  on_failure_ = nullptr;
  on_heard_ = std::move(done);
  final_state_ = exit_code == 0 ? absl::StrCat("completed - ", address_)
                                : absl::StrCat("failed ", exit_code, " ", address_, " ", what);
  ended_at_ = loop_->clock()->Boot();
  for (const auto& [key, peer] : peers_) changes_at_end_[key] = peer.changes;
  loop_->Cancel(timer_);
  if (!putting_) PutEnd();  // Else after that: the last word must be this one.
}

void PeerWatch::PutEnd() {
  client_->Put(own_key_, final_state_, [this](const absl::Status& status) {
    if (!serves_ || !status.ok()) return std::exchange(on_heard_, nullptr)();
    ReadUntilHeard();
  });
}

void PeerWatch::ReadUntilHeard() {
  client_->WithPrefix(prefix_, [this](const auto& states) {
    if (states.ok()) OnStates(*states);
    const bool too_long = loop_->clock()->Boot() - ended_at_ > kLinger;
    if (too_long || AllHaveHeard()) return std::exchange(on_heard_, nullptr)();
    timer_ = loop_->After(kLingerPause, [this] { ReadUntilHeard(); });
  });
}

bool PeerWatch::AllHaveHeard() const {
  const bool all_began = static_cast<int>(peers_.size()) >= peer_count_;
  if (!all_began && loop_->clock()->Boot() - began_at_ < kListRead) return false;
  for (const auto& [key, peer] : peers_) {
    const auto before = changes_at_end_.find(key);
    const int changes = before == changes_at_end_.end() ? 0 : before->second;
    // Its second beat from now on was written after it had read our end.
    if (IsRunning(peer.state) && peer.changes < changes + 2) return false;
  }
  return true;
}

}  // namespace muster

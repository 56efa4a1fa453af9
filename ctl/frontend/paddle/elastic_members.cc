#include "ctl/frontend/paddle/elastic_members.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr absl::Duration kTtl = absl::Seconds(10);
constexpr absl::Duration kTick = absl::Seconds(5);
constexpr absl::Duration kRetry = absl::Milliseconds(500);

}  // namespace

ElasticMembers::ElasticMembers(EventLoop* loop, Etcd* etcd, const std::string& job_id,
                               const std::string& name, const std::string& address)
    : loop_(loop),
      etcd_(etcd),
      prefix_(absl::StrCat("/paddle/", job_id, "/heartbeat/")),
      own_key_(absl::StrCat(prefix_, name)),
      name_(name),
      address_prefix_(absl::StrCat("/muster/", job_id, "/address/")),
      address_(address) {}

ElasticMembers::~ElasticMembers() {
  loop_->Cancel(retry_timer_);
  loop_->Cancel(tick_timer_);
}

void ElasticMembers::Start(std::function<void()> on_change) {
  on_change_ = std::move(on_change);
  Tick();
  Grant();
}

void ElasticMembers::Retry(const absl::Status& status, void (ElasticMembers::*step)()) {
  trouble_ = std::string(status.message());
  loop_->Cancel(retry_timer_);
  retry_timer_ = loop_->After(kRetry, [this, step] { (this->*step)(); });
}

void ElasticMembers::Grant() {
  if (leaving_) return;
  keep_alive_ = nullptr;
  etcd_->Grant(kTtl, [this](const absl::StatusOr<int64_t>& lease) {
    if (!lease.ok()) return Retry(lease.status(), &ElasticMembers::Grant);
    lease_ = *lease;
    keep_alive_ = etcd_->KeepAlive(lease_, kTtl, [this](const absl::Status& status) {
      Retry(status, &ElasticMembers::Grant);  // As a new lease: others may have gone on without us.
    });
    PutOwn();
  });
}

void ElasticMembers::PutOwn() {
  if (leaving_ || lease_ == 0) return;
  EtcdTxn both;
  both.success = {{EtcdOp::Kind::kPut, address_prefix_ + name_, false, "", address_, lease_},
                  {EtcdOp::Kind::kPut, own_key_, false, "", name_, lease_}};
  etcd_->Commit(both, [this](const absl::StatusOr<EtcdTxnResult>& written) {
    if (absl::IsNotFound(written.status())) return Grant();  // The lease is gone.
    if (!written.ok()) return Retry(written.status(), &ElasticMembers::PutOwn);
    trouble_.clear();
    if (watch_ == nullptr) Read();
  });
}

void ElasticMembers::Read() {
  etcd_->Get(prefix_, /*prefix=*/true, [this](const absl::StatusOr<EtcdRange>& range) {
    if (!range.ok()) return Retry(range.status(), &ElasticMembers::Read);
    alive_.clear();
    for (const EtcdEntry& entry : range->entries) alive_[entry.key] = entry;
    if (watch_ == nullptr) Watch(range->revision + 1);
    ReadAddresses();
    on_change_();
  });
}

void ElasticMembers::Watch(int64_t revision) {
  EtcdWatchHandler handler;
  handler.on_events = [this](const std::vector<EtcdEvent>& events) { OnEvents(events); };
  handler.on_gap = [this] { Read(); };
  handler.on_state = [this](const absl::Status& status) {
    trouble_ = std::string(status.message());
  };
  watch_ = etcd_->Watch(prefix_, /*prefix=*/true, revision, std::move(handler));
}

void ElasticMembers::OnEvents(const std::vector<EtcdEvent>& events) {
  for (const EtcdEvent& event : events) {
    if (event.deleted) {
      alive_.erase(event.entry.key);
    } else {
      alive_[event.entry.key] = event.entry;
    }
  }
  if (alive_.count(own_key_) == 0) PutOwn();
  ReadAddresses();
  on_change_();
}

void ElasticMembers::ReadAddresses() {
  etcd_->Get(address_prefix_, /*prefix=*/true, [this](const absl::StatusOr<EtcdRange>& range) {
    if (!range.ok()) return;
    addresses_.clear();
    for (const EtcdEntry& entry : range->entries) {
      addresses_[entry.key.substr(address_prefix_.size())] = entry.value;
    }
  });
}

// The original's rhythm: a key that is missing is written again.
void ElasticMembers::Tick() {
  tick_timer_ = loop_->After(kTick, [this] {
    if (watch_ != nullptr && alive_.count(own_key_) == 0) PutOwn();
    Tick();
  });
}

void ElasticMembers::Leave(std::function<void()> done) {
  leaving_ = true;
  keep_alive_ = nullptr;
  watch_ = nullptr;
  loop_->Cancel(retry_timer_);
  if (lease_ == 0) return done();
  etcd_->Revoke(lease_, [done = std::move(done)](const absl::Status&) { done(); });
}

void ElasticMembers::WakeAll(std::function<void()> done) {
  etcd_->Delete(prefix_, /*prefix=*/true,
                [done = std::move(done)](const absl::StatusOr<int64_t>&) { done(); });
}

std::vector<std::string> ElasticMembers::Pods() const {
  std::vector<const EtcdEntry*> entries;
  for (const auto& [key, entry] : alive_) entries.push_back(&entry);
  std::sort(entries.begin(), entries.end(), [](const EtcdEntry* a, const EtcdEntry* b) {
    return a->create_revision < b->create_revision;
  });
  std::vector<std::string> pods;
  for (const EtcdEntry* const entry : entries) pods.push_back(entry->key.substr(prefix_.size()));
  return pods;
}

std::vector<std::string> ElasticMembers::Names() const {
  std::vector<std::string> names = Pods();
  for (std::string& name : names) {
    const auto address = addresses_.find(name);
    name = address == addresses_.end() ? absl::StrCat("pod ", name) : address->second;
  }
  return names;
}

int ElasticMembers::Position() const {
  const std::vector<std::string> pods = Pods();
  return static_cast<int>(std::find(pods.begin(), pods.end(), name_) - pods.begin());
}

}  // namespace muster

#ifndef MUSTER_CTL_FRONTEND_PADDLE_ELASTIC_MEMBERS_H_
#define MUSTER_CTL_FRONTEND_PADDLE_ELASTIC_MEMBERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/event_loop.h"
#include "common/etcd/etcd.h"

namespace muster {

// The nodes of an elastic job that are alive: each has a key below "/paddle/<job id>/heartbeat/",
// with a lease of 10 s. This node's is kept up: renewed, and written again when somebody has
// deleted it, as Paddle's launchers do to each other's when they join and when they fail. Beside it
// ours write their address, "/muster/<job id>/address/<pod>", for messages. On the loop's thread.
class ElasticMembers {
 public:
  // `name` is this node's pod's. Both pointers must outlive this object.
  ElasticMembers(EventLoop* loop, Etcd* etcd, const std::string& job_id, const std::string& name,
                 const std::string& address);
  ~ElasticMembers();

  // Registers, and tries again until it can. `on_change` comes from the loop after every change of
  // any node's key, also of one that only came back.
  void Start(std::function<void()> on_change);
  // Deletes this node's key; the others see it at once.
  void Leave(std::function<void()> done);
  // Deletes all keys, which makes every node begin anew. `done` comes when etcd has answered.
  void WakeAll(std::function<void()> done);

  // Whether this node's key and the others' are known.
  bool ready() const { return watch_ != nullptr && alive_.count(own_key_) > 0; }
  // Why not, as etcd says it; empty: no trouble.
  const std::string& trouble() const { return trouble_; }
  int count() const { return static_cast<int>(alive_.size()); }
  // The nodes for people, the one that came first first: addresses, or pods where a node has told
  // none.
  std::vector<std::string> Names() const;
  // How many came before this node.
  int Position() const;

 private:
  void Grant();
  void PutOwn();
  void Read();
  void Watch(int64_t revision);
  void OnEvents(const std::vector<EtcdEvent>& events);
  void ReadAddresses();
  std::vector<std::string> Pods() const;
  void Tick();
  void Retry(const absl::Status& status, void (ElasticMembers::*step)());

  EventLoop* const loop_;
  Etcd* const etcd_;
  const std::string prefix_;
  const std::string own_key_;
  const std::string name_;
  const std::string address_prefix_;
  const std::string address_;

  std::function<void()> on_change_;
  int64_t lease_ = 0;
  std::unique_ptr<EtcdStream> keep_alive_;
  std::unique_ptr<EtcdStream> watch_;
  std::map<std::string, EtcdEntry> alive_;        // By key.
  std::map<std::string, std::string> addresses_;  // By pod.
  std::string trouble_;
  bool leaving_ = false;
  EventLoop::TimerId retry_timer_ = 0;
  EventLoop::TimerId tick_timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_ELASTIC_MEMBERS_H_

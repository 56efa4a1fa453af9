#ifndef MUSTER_CTL_FRONTEND_PADDLE_HTTP_MASTER_H_
#define MUSTER_CTL_FRONTEND_PADDLE_HTTP_MASTER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/paddle/launch_log.h"
#include "ctl/frontend/paddle/node_info.h"
#include "ctl/frontend/rendezvous/kv_client.h"
#include "ctl/frontend/rendezvous/kv_server.h"

namespace muster {

// Where the nodes of a job meet: Paddle's http master. One of them, whose address the master's is,
// serves it; each writes what it offers and waits until all have. Spoken word for word as the
// original does, so that real and drop-in launchers can form one job. On the loop's thread.
//
// Real launchers wait for ever; ours says who is missing, and gives up at a deadline.
class HttpMaster {
 public:
  struct Options {
    std::string host;
    int port = 0;
    bool serve = false;  // The address is this host's: serve there, unless somebody does already.
    std::string job_id;
    int size = 0;  // Nodes.
    bool sort_ip = false;
    absl::Duration timeout;  // For all nodes to come.
  };
  using OnNodes = std::function<void(const absl::StatusOr<PaddleNodes>& nodes)>;

  // `loop` and `log` must outlive this object.
  HttpMaster(EventLoop* loop, LaunchLog* log, const Options& options);
  ~HttpMaster();

  // Begins to serve, if it is this node's turn. UNAVAILABLE: the port cannot be had.
  absl::Status Open();
  // The port; a free one when the options asked for 0.
  int port() const { return options_.port; }
  bool serves() const { return server_ != nullptr; }
  KvClient* client() { return client_.get(); }

  // Waits until all nodes have come. `done` comes once, from the loop. DEADLINE_EXCEEDED names
  // those that came.
  void Join(const PaddleNode& own, OnNodes done);
  // Takes this node back out, should it have to go before all have come.
  void Leave(std::function<void()> done);

 private:
  void CheckHealth();
  void Put();
  void Read();
  void OnEntries(const std::map<std::string, std::string>& entries);
  void Report();
  void Again(absl::Duration delay, void (HttpMaster::*step)());
  void Finish(const absl::StatusOr<PaddleNodes>& nodes);
  absl::Status TooLate() const;
  std::string Present() const;

  EventLoop* const loop_;
  LaunchLog* const log_;
  Options options_;
  const std::string prefix_;  // "/<job id>/info"
  std::unique_ptr<KvServer> server_;
  std::unique_ptr<KvClient> client_;

  PaddleNode own_;
  std::string own_key_;
  std::string own_value_;
  OnNodes done_;
  bool healthy_ = false;
  std::string trouble_;                         // Why the master is not heard; empty: it is.
  std::map<std::string, std::string> entries_;  // As last read.
  absl::Duration began_;                        // Clock::Boot().
  EventLoop::TimerId timer_ = 0;                // The next step.
  EventLoop::TimerId report_timer_ = 0;
  EventLoop::TimerId deadline_timer_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_PADDLE_HTTP_MASTER_H_

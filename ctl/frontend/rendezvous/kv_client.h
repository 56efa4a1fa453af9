#ifndef MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_CLIENT_H_
#define MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_CLIENT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"

namespace muster {

// Talks to a KvServer, or to Paddle's own http master. Lives on the loop and never blocks it; each
// call ends within the timeout, its `done` comes from the loop, and none after the client's end.
// Calls run side by side: who needs an order waits for `done`. Errors: UNAVAILABLE with the reason
// when nobody answers; it does not try again by itself.
class KvClient {
 public:
  using OnDone = std::function<void(const absl::Status& status)>;
  using OnKeys =
      std::function<void(const absl::StatusOr<std::map<std::string, std::string>>& keys)>;

  // `host` is a name or an IPv4 address. `loop` must outlive this object.
  static std::unique_ptr<KvClient> Create(EventLoop* loop, const std::string& host, int port,
                                          absl::Duration timeout = absl::Seconds(3));
  virtual ~KvClient() = default;

  // Keys begin with '/'.
  virtual void Put(const std::string& key, const std::string& value, OnDone done) = 0;
  // Absent is fine.
  virtual void Erase(const std::string& key, OnDone done) = 0;
  // All keys that start with `prefix`; none is fine.
  virtual void WithPrefix(const std::string& prefix, OnKeys done) = 0;
  // OK: a master answers ("/healthy" is "ok").
  virtual void CheckHealth(OnDone done) = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_CLIENT_H_

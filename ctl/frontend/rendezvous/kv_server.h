#ifndef MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_SERVER_H_
#define MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_SERVER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"

namespace muster {

// A KvStore over plain HTTP, word for word as Paddle's http master speaks it: POST and PUT of a
// path set the key of that name (200); GET returns a JSON object of all keys that start with the
// path, or 404; DELETE 200 or 404. The key "/healthy" is "ok" from the start.
//
// Has a thread of its own, so it answers while its owner waits. Its methods may be called from any
// thread. Serves until it is destroyed.
class KvServer {
 public:
  // Listens on `port` of every IPv4 address; 0: a free one. ALREADY_EXISTS: somebody listens there.
  static absl::StatusOr<std::unique_ptr<KvServer>> Start(int port);
  virtual ~KvServer() = default;

  virtual int port() const = 0;

  // The same as a client's requests.
  virtual void Put(const std::string& key, const std::string& value) = 0;
  virtual bool Erase(const std::string& key) = 0;
  virtual std::map<std::string, std::string> WithPrefix(absl::string_view prefix) const = 0;
  // See KvStore.
  virtual int EraseStale(absl::string_view prefix, absl::Duration age) = 0;

  // Calls `on_change` on `loop` after clients have put or deleted something; several changes may
  // come as one call. `loop` must outlive the server.
  virtual void Notify(EventLoop* loop, std::function<void()> on_change) = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_SERVER_H_

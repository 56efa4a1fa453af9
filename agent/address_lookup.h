#ifndef MUSTER_AGENT_ADDRESS_LOOKUP_H_
#define MUSTER_AGENT_ADDRESS_LOOKUP_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "agent/route_address.h"
#include "common/base/event_loop.h"

namespace muster {

// AddressTowards() a peer that has a name, without keeping the loop: a name server that is cut off
// does not answer for half a minute. Lives on the loop; its thread, for as long as one lookup.
class AddressLookup {
 public:
  using Look = std::function<absl::StatusOr<std::string>(const std::string& peer)>;
  using Done = std::function<void(const absl::StatusOr<std::string>& address)>;

  // `loop` must outlive this object and, for a lookup is not waited for at the end, its last one.
  AddressLookup(const std::string& peer, EventLoop* loop, Look look = AddressTowards);
  ~AddressLookup();
  AddressLookup(const AddressLookup&) = delete;
  AddressLookup& operator=(const AddressLookup&) = delete;

  // Looks; `done` gets what was found, on the loop. While one lookup is under way no other begins,
  // and `done` is dropped.
  void Begin(Done done);

 private:
  const std::string peer_;
  EventLoop* const loop_;
  const Look look_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  const std::shared_ptr<std::atomic<bool>> told_ = std::make_shared<std::atomic<bool>>(true);
  std::thread thread_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_ADDRESS_LOOKUP_H_

#include "agent/address_lookup.h"

#include <utility>

#include "glog/logging.h"

namespace muster {

AddressLookup::AddressLookup(const std::string& peer, EventLoop* loop, Look look)
    : peer_(peer), loop_(loop), look_(std::move(look)) {}

AddressLookup::~AddressLookup() {
  *alive_ = false;
  if (!thread_.joinable()) return;
  if (told_->load()) {
    thread_.join();
  } else {
    thread_.detach();  // It has nothing of ours but copies.
  }
}

void AddressLookup::Begin(Done done) {
  DCHECK(loop_->OnLoop());
  if (thread_.joinable()) return;
  told_->store(false);
  thread_ = std::thread([this, peer = peer_, look = look_, loop = loop_, alive = alive_,
                         told = told_, done = std::move(done)] {
    const absl::StatusOr<std::string> address = look(peer);
    loop->Post([this, alive, done, address] {
      if (!*alive) return;
      thread_.join();  // It has nothing left to do.
      done(address);
    });
    told->store(true);
  });
}

}  // namespace muster

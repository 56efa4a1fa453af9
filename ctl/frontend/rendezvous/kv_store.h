#ifndef MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_STORE_H_
#define MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_STORE_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace muster {

// Keys and values by which the hosts of one job find each other: what Paddle's http master holds.
// Keys are URL paths ("/default/info/…"). Not thread-safe.
class KvStore {
 public:
  explicit KvStore(const Clock* clock) : clock_(clock) {}  // `clock` must outlive this object.

  void Put(const std::string& key, const std::string& value);
  // Whether it was there.
  bool Erase(const std::string& key);
  // All keys that start with `prefix`, as text: "/a" finds "/ab" too.
  std::map<std::string, std::string> WithPrefix(absl::string_view prefix) const;
  // Drops keys below `prefix` that nobody has put again for `age`: those of hosts that went away.
  // Returns how many.
  int EraseStale(absl::string_view prefix, absl::Duration age);
  // Of all keys and values.
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string value;
    absl::Duration put_at;  // Clock::Boot().
  };

  const Clock* const clock_;
  std::map<std::string, Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_RENDEZVOUS_KV_STORE_H_

#include "ctl/frontend/rendezvous/kv_store.h"

#include "absl/strings/match.h"

namespace muster {

void KvStore::Put(const std::string& key, const std::string& value) {
  entries_[key] = Entry{value, clock_->Boot()};
}

bool KvStore::Erase(const std::string& key) { return entries_.erase(key) > 0; }

std::map<std::string, std::string> KvStore::WithPrefix(absl::string_view prefix) const {
  std::map<std::string, std::string> found;
  for (auto it = entries_.lower_bound(std::string(prefix));
       it != entries_.end() && absl::StartsWith(it->first, prefix); ++it) {
    found.emplace(it->first, it->second.value);
  }
  return found;
}

int KvStore::EraseStale(absl::string_view prefix, absl::Duration age) {
  const absl::Duration oldest = clock_->Boot() - age;
  int erased = 0;
  auto it = entries_.lower_bound(std::string(prefix));
  while (it != entries_.end() && absl::StartsWith(it->first, prefix)) {
    if (it->second.put_at < oldest) {
      it = entries_.erase(it);
      ++erased;
    } else {
      ++it;
    }
  }
  return erased;
}

}  // namespace muster

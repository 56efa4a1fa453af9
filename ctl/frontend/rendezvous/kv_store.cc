#include "ctl/frontend/rendezvous/kv_store.h"

#include "absl/strings/match.h"

namespace muster {

void KvStore::Put(const std::string& key, const std::string& value) {
  Erase(key);
  entries_[key] = Entry{value, clock_->Boot()};
  bytes_ += key.size() + value.size();
}

bool KvStore::Erase(const std::string& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  bytes_ -= key.size() + found->second.value.size();
  entries_.erase(found);
  return true;
}

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
      bytes_ -= it->first.size() + it->second.value.size();
      it = entries_.erase(it);
      ++erased;
    } else {
      ++it;
    }
  }
  return erased;
}

}  // namespace muster

#ifndef MUSTER_AGENT_LINK_FRESH_REASONS_H_
#define MUSTER_AGENT_LINK_FRESH_REASONS_H_

#include <cstddef>
#include <set>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// Which reasons of one outage are news for the log: each once. Tries that fail in turn, each in its
// own way, would fill it otherwise.
class FreshReasons {
 public:
  // Whether `reason` has not been taken since Clear(). After twenty others nothing is news.
  bool Take(absl::string_view reason) {
    return taken_.size() < kMost && taken_.insert(std::string(reason)).second;
  }
  // The outage is over.
  void Clear() { taken_.clear(); }

 private:
  static constexpr size_t kMost = 20;
  std::set<std::string> taken_;
};

}  // namespace muster

#endif  // MUSTER_AGENT_LINK_FRESH_REASONS_H_

#ifndef MUSTER_CTL_FRONTEND_TORCHRUN_STD_MAP_H_
#define MUSTER_CTL_FRONTEND_TORCHRUN_STD_MAP_H_

#include <map>
#include <optional>
#include <string>

namespace muster {

// Which streams of which local ranks `--redirects` and `--tee` mean: "3" for all ranks, or
// "0:1,2:3" rank by rank. 1 is stdout, 2 is stderr. torch 1.13.1,
// torch/distributed/elastic/multiprocessing/api.py, Std.from_str().
class StdMap {
 public:
  static constexpr int kOut = 1;
  static constexpr int kErr = 2;

  // Absent where the original raises ValueError; StdMapFault() is its message.
  static std::optional<StdMap> Parse(const std::string& text);
  // The bits of one local rank.
  int Of(int local_rank) const;
  bool any() const;

 private:
  int all_ = 0;
  std::map<int, int> by_rank_;  // Not empty: ranks that are missing have none.
};

std::string StdMapFault(const std::string& text);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_TORCHRUN_STD_MAP_H_

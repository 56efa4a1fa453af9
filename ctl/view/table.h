#ifndef MUSTER_CTL_VIEW_TABLE_H_
#define MUSTER_CTL_VIEW_TABLE_H_

#include <string>
#include <vector>

namespace muster {

// Rows under headers, columns two spaces apart, nothing after the last one. Empty cells show "-".
class Table {
 public:
  explicit Table(std::vector<std::string> headers) : rows_{std::move(headers)} {}
  // As many cells as there are headers.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.size() == 1; }
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_TABLE_H_

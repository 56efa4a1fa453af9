#include "ctl/view/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

// Characters, not bytes: names may hold UTF-8.
size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string Table::Text() const {
  std::vector<size_t> widths(rows_[0].size(), 1);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string cell = row[i].empty() ? "-" : row[i];
      absl::StrAppend(&text, cell);
      if (i + 1 < row.size()) text.append(widths[i] - Width(cell) + 2, ' ');
    }
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace muster

#include "agent/device/npu_smi.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace muster {
namespace {

using Chip = std::pair<int, int>;  // NPU (the card) and chip on it.

std::vector<std::string> Words(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
}

// Columns that are set apart by two blanks or more, as in "NPU ID    Chip ID    Chip Name".
std::vector<std::string> Columns(absl::string_view line) {
  std::vector<std::string> columns;
  for (absl::string_view column : absl::StrSplit(line, "  ", absl::SkipWhitespace())) {
    columns.emplace_back(absl::StripAsciiWhitespace(column));
  }
  return columns;
}

// "Ascend 910B3" and "910B3" are one model.
std::string ModelName(absl::string_view chip_name) {
  absl::ConsumePrefix(&chip_name, "Ascend");
  return absl::StrCat("Ascend", absl::StripAsciiWhitespace(chip_name));
}

bool IsPciAddress(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::ByAnyChar(":."));
  return parts.size() == 4 && parts[0].size() == 4 && parts[1].size() == 2 &&
         parts[2].size() == 2 && parts[3].size() == 1 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.';
         });
}

// One chip of `npu-smi info -m`.
struct Mapped {
  int number = 0;
  std::string model;
};

// Chips with a number of their own; the management controller ("Mcu") has "-" in its place. Newer
// versions tell physical from logical numbers: the device files carry the physical ones.
std::map<Chip, Mapped> ParseMapping(absl::string_view text) {
  std::map<Chip, Mapped> chips;
  std::vector<std::string> header;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> columns = Columns(line);
    if (absl::StrContains(line, "NPU ID")) {
      header = columns;
      continue;
    }
    std::map<std::string, std::string> row;
    for (size_t i = 0; i < columns.size() && i < header.size(); ++i) row[header[i]] = columns[i];
    const std::string& number =
        row.count("Chip Phy-ID") > 0 ? row["Chip Phy-ID"] : row["Chip Logic ID"];
    Chip chip;
    Mapped mapped;
    if (absl::SimpleAtoi(row["NPU ID"], &chip.first) &&
        absl::SimpleAtoi(row["Chip ID"], &chip.second) &&
        absl::SimpleAtoi(number, &mapped.number)) {
      mapped.model = row["Chip Name"].empty() ? "" : ModelName(row["Chip Name"]);
      chips[chip] = std::move(mapped);
    }
  }
  return chips;
}

// Total of the last "used / total" in MB of a chip's row: its high-bandwidth memory.
int64_t LastTotalBytes(absl::string_view cell) {
  const std::vector<std::string> words = Words(cell);
  int64_t megabytes = 0;
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] == "/") (void)absl::SimpleAtoi(words[i + 1], &megabytes);
  }
  return megabytes << 20;
}

// Two rows for each chip:  | NPU  Name | Health | … |   and   | Chip [Device] | Bus-Id | … |
std::map<Chip, NpuFacts> ParseTable(absl::string_view text) {
  std::map<Chip, NpuFacts> chips;
  int npu = -1;
  NpuFacts facts;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    if (cells.size() < 4) continue;
    const std::vector<std::string> first = Words(cells[1]);
    const std::vector<std::string> second = Words(cells[2]);
    int number = -1;
    if (first.empty() || second.size() != 1 || !absl::SimpleAtoi(first[0], &number)) continue;
    if (IsPciAddress(second[0])) {
      if (npu < 0) continue;
      facts.pci_address = absl::AsciiStrToLower(second[0]);
      facts.memory_bytes = LastTotalBytes(cells[3]);
      chips[Chip(npu, number)] = facts;
    } else if (first.size() >= 2) {
      npu = number;
      facts = NpuFacts();
      facts.model = ModelName(first[1]);
      facts.health = second[0];
    }
  }
  return chips;
}

}  // namespace

std::map<int, NpuFacts> ParseNpuSmi(absl::string_view mapping, absl::string_view table) {
  const std::map<Chip, NpuFacts> facts = ParseTable(table);
  std::map<int, NpuFacts> by_number;
  for (const auto& [chip, mapped] : ParseMapping(mapping)) {
    const auto it = facts.find(chip);
    NpuFacts& found = by_number[mapped.number];
    if (it != facts.end()) found = it->second;
    if (!mapped.model.empty()) found.model = mapped.model;
    found.card = chip.first;
    found.chip = chip.second;
  }
  return by_number;
}

std::string ParseSuperDeviceId(absl::string_view spod_info) {
  for (const absl::string_view line : absl::StrSplit(spod_info, '\n')) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    uint64_t id = 0;
    if (absl::StripAsciiWhitespace(halves.first) == "SDID" &&
        absl::SimpleAtoi(absl::StripAsciiWhitespace(halves.second), &id)) {
      return absl::StrCat(id);
    }
  }
  return "";
}

}  // namespace muster

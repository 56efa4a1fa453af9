#include "ctl/spec/source_excerpt.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ctl/spec/utf8.h"

namespace muster {
namespace {

constexpr size_t kMaxFaults = 20;
constexpr size_t kMaxLineBytes = 160;
constexpr size_t kBytesBeforeCaret = 60;  // Where a long line is cut.

bool StartsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

size_t CountCharacters(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), StartsCharacter));
}

absl::string_view LineAt(absl::string_view text, int line) {
  size_t begin = 0;
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n', begin);
    if (end == absl::string_view::npos) return {};
    begin = end + 1;
  }
  absl::string_view found = text.substr(begin, text.find('\n', begin) - begin);
  if (!found.empty() && found.back() == '\r') found.remove_suffix(1);
  return found;
}

// The same number of bytes, so that places stay where they are.
std::string Printable(absl::string_view text) {
  std::string out(text);
  for (size_t i = 0; i < out.size();) {
    const size_t length = Utf8Length(text.substr(i));
    if (out[i] == '\t') {
      out[i] = ' ';
    } else if (length == 0 || absl::ascii_iscntrl(out[i])) {
      out[i] = '?';
    }
    i += std::max<size_t>(length, 1);
  }
  return out;
}

// What of a line is shown, and where in it the fault begins.
struct Window {
  std::string text;
  size_t caret = 0;  // In characters.
  size_t length = 1;
};

Window CutLine(absl::string_view line, const SourcePlace& place) {
  size_t begin = std::min(static_cast<size_t>(std::max(place.column, 1) - 1), line.size());
  size_t end = std::min(begin + static_cast<size_t>(std::max(place.length, 1)), line.size());
  std::string prefix;
  if (line.size() > kMaxLineBytes && begin > kBytesBeforeCaret) {
    size_t cut = begin - kBytesBeforeCaret;
    while (cut < begin && !StartsCharacter(line[cut])) ++cut;
    line.remove_prefix(cut);
    begin -= cut;
    end -= cut;
    prefix = "...";
  }
  std::string suffix;
  if (line.size() > kMaxLineBytes) {
    size_t cut = kMaxLineBytes;
    while (cut > 0 && !StartsCharacter(line[cut])) --cut;
    line = line.substr(0, cut);
    end = std::min(end, cut);
    suffix = "...";
  }
  Window window;
  window.text = absl::StrCat(prefix, line, suffix);
  window.caret = prefix.size() + CountCharacters(line.substr(0, begin));
  window.length = std::max<size_t>(CountCharacters(line.substr(begin, end - begin)), 1);
  return window;
}

}  // namespace

SourcePlace PlaceOfOffset(absl::string_view text, size_t offset) {
  const absl::string_view before = text.substr(0, offset);
  SourcePlace place;
  place.line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
  const size_t newline = before.rfind('\n');
  place.column = static_cast<int>(newline == absl::string_view::npos ? before.size() + 1
                                                                     : before.size() - newline);
  return place;
}

std::string FormatFault(const std::string& file_name, absl::string_view text,
                        const SourceFault& fault) {
  const std::string line = Printable(LineAt(text, fault.place.line));
  const size_t before = static_cast<size_t>(std::max(fault.place.column, 1) - 1);
  const Window window = CutLine(line, fault.place);
  std::string out =
      absl::StrFormat("error: %s:%d:%d: %s\n%5d | %s\n      | %s^%s", file_name, fault.place.line,
                      CountCharacters(absl::string_view(line).substr(0, before)) + 1, fault.message,
                      fault.place.line, window.text, std::string(window.caret, ' '),
                      std::string(window.length - 1, '~'));
  if (!fault.help.empty()) absl::StrAppend(&out, "\nhelp: ", fault.help);
  return out;
}

std::string FormatFaults(const std::string& file_name, absl::string_view text,
                         std::vector<SourceFault> faults) {
  std::stable_sort(faults.begin(), faults.end(), [](const SourceFault& a, const SourceFault& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  std::string out;
  for (size_t i = 0; i < faults.size() && i < kMaxFaults; ++i) {
    absl::StrAppend(&out, i == 0 ? "" : "\n\n", FormatFault(file_name, text, faults[i]));
  }
  if (faults.size() > kMaxFaults) {
    absl::StrAppend(&out, "\n\n... and ", faults.size() - kMaxFaults, " more errors");
  }
  return out;
}

}  // namespace muster

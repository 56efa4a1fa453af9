#include "ctl/frontend/argparse/python_text.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace muster {
namespace {

// Removes underscores between digits; absent where one stands elsewhere.
std::optional<std::string> WithoutUnderscores(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain.push_back(text[i]);
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() && absl::ascii_isdigit(text[i - 1]) &&
                         absl::ascii_isdigit(text[i + 1]);
    if (!between) return std::nullopt;
  }
  return plain;
}

std::string Escaped(unsigned char byte, char quote) {
  if (byte == '\n') return "\\n";
  if (byte == '\t') return "\\t";
  if (byte == '\r') return "\\r";
  if (byte == '\\' || byte == quote) return std::string{'\\', static_cast<char>(byte)};
  if (byte < 0x20 || byte == 0x7f) return absl::StrCat("\\x", absl::Hex(byte, absl::kZeroPad2));
  return std::string(1, static_cast<char>(byte));  // UTF-8 is printable as it is.
}

}  // namespace

std::string PyRepr(absl::string_view text) {
  const bool single = text.find('\'') == text.npos || text.find('"') != text.npos;
  const char quote = single ? '\'' : '"';
  std::string repr(1, quote);
  for (const char c : text) repr += Escaped(static_cast<unsigned char>(c), quote);
  return repr + quote;
}

std::optional<std::string> PyInt(absl::string_view text) {
  absl::string_view digits = absl::StripAsciiWhitespace(text);
  const bool negative = absl::ConsumePrefix(&digits, "-");
  if (!negative) absl::ConsumePrefix(&digits, "+");
  std::optional<std::string> plain = WithoutUnderscores(digits);
  if (!plain || plain->empty()) return std::nullopt;
  if (!std::all_of(plain->begin(), plain->end(), absl::ascii_isdigit)) return std::nullopt;
  plain->erase(0, std::min(plain->find_first_not_of('0'), plain->size() - 1));
  return negative && *plain != "0" ? "-" + *plain : *plain;
}

std::optional<double> PyFloat(absl::string_view text) {
  const std::optional<std::string> plain = WithoutUnderscores(absl::StripAsciiWhitespace(text));
  if (!plain || plain->empty() || absl::ascii_isspace(plain->front())) return std::nullopt;
  if (plain->find_first_of("xX(") != std::string::npos) return std::nullopt;  // strtod()'s alone.
  char* end = nullptr;
  const double value = std::strtod(plain->c_str(), &end);
  return *end == '\0' ? std::optional<double>(value) : std::nullopt;
}

int ClampToInt(const std::string& digits) {
  errno = 0;
  const long long value = std::strtoll(digits.c_str(), nullptr, 10);  // Clamps by itself.
  return static_cast<int>(std::clamp<long long>(value, INT_MIN, INT_MAX));
}

}  // namespace muster

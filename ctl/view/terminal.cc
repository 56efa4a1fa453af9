#include "ctl/view/terminal.h"

#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace muster {
namespace {

// Length of the colour sequence "ESC [ digits;… m" at the start of `text`, or 0.
size_t ColorSequence(absl::string_view text) {
  if (text.size() < 3 || text[0] != '\x1b' || text[1] != '[') return 0;
  for (size_t i = 2; i < text.size() && i < 32; ++i) {
    if (text[i] == 'm') return i + 1;
    if ((text[i] < '0' || text[i] > '9') && text[i] != ';') return 0;
  }
  return 0;
}

bool IsUtf8(const EnvLookup& env) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = env(name);
    if (value.empty()) continue;
    const std::string lower = absl::AsciiStrToLower(value);
    return absl::StrContains(lower, "utf-8") || absl::StrContains(lower, "utf8");
  }
  return false;
}

}  // namespace

std::string Terminal::Paint(absl::string_view sgr, absl::string_view text) const {
  if (!color) return std::string(text);
  return absl::StrCat("\x1b[", sgr, "m", text, "\x1b[0m");
}

std::string Terminal::Mark(bool good) const {
  if (good) return Green(utf8 ? "✓" : "ok:");
  return Red(utf8 ? "✗" : "failed:");
}

Terminal MakeTerminal(bool is_tty, const std::string& color_flag, const EnvLookup& env) {
  Terminal terminal;
  terminal.is_tty = is_tty;
  terminal.utf8 = IsUtf8(env);
  if (color_flag == "always" || color_flag == "never") {
    terminal.color = color_flag == "always";
  } else if (!env("NO_COLOR").empty()) {
    terminal.color = false;
  } else {
    const std::string force = env("CLICOLOR_FORCE");
    terminal.color = (!force.empty() && force != "0") || (is_tty && env("TERM") != "dumb");
  }
  return terminal;
}

Terminal DetectTerminal(int fd, const std::string& color_flag, const EnvLookup& env) {
  return MakeTerminal(isatty(fd) == 1, color_flag, env);
}

std::string EscapeForTerminal(absl::string_view text, bool keep_color) {
  std::string out;
  out.reserve(text.size());
  bool colored = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t sequence = keep_color ? ColorSequence(text.substr(i)) : 0;
    if (sequence > 0) {
      absl::StrAppend(&out, text.substr(i, sequence));
      i += sequence - 1;
      colored = true;
    } else if (byte == '\t' || (byte >= 0x20 && byte != 0x7f && byte != 0xc2)) {
      out.push_back(static_cast<char>(byte));
    } else if (byte == 0xc2) {
      // U+0080 to U+009F are control characters too, two bytes long in UTF-8.
      const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
      if (next >= 0x80 && next < 0xa0) {
        absl::StrAppendFormat(&out, "\\x%02x", next);
        ++i;
      } else {
        out.push_back(static_cast<char>(byte));
      }
    } else if (byte == 0x7f) {
      absl::StrAppend(&out, "^?");
    } else {
      out.push_back('^');
      out.push_back(static_cast<char>(byte + '@'));
    }
  }
  if (colored) absl::StrAppend(&out, "\x1b[0m");
  return out;
}

}  // namespace muster

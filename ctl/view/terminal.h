#ifndef MUSTER_CTL_VIEW_TERMINAL_H_
#define MUSTER_CTL_VIEW_TERMINAL_H_

#include <string>

#include "absl/strings/string_view.h"
#include "ctl/client/address.h"

namespace muster {

// What one of the user's descriptors can show.
struct Terminal {
  bool is_tty = false;
  bool color = false;
  bool utf8 = false;

  std::string Paint(absl::string_view sgr, absl::string_view text) const;
  std::string Red(absl::string_view text) const { return Paint("31", text); }
  std::string Green(absl::string_view text) const { return Paint("32", text); }
  std::string Bold(absl::string_view text) const { return Paint("1", text); }
  std::string Dim(absl::string_view text) const { return Paint("2", text); }
  // Meaning never hangs on colour alone; nor on UTF-8.
  std::string Mark(bool good) const;
};

// `color_flag` is auto, always or never; after it come NO_COLOR, CLICOLOR_FORCE and TERM=dumb
// (no-color.org).
Terminal DetectTerminal(int fd, const std::string& color_flag, const EnvLookup& env);
// The same with the question whether it is a terminal answered.
Terminal MakeTerminal(bool is_tty, const std::string& color_flag, const EnvLookup& env);

// `text` with every byte that would steer a terminal made visible ("^[", "\x9b"). Tabs stay; colour
// sequences stay with `keep_color`, closed at the end.
std::string EscapeForTerminal(absl::string_view text, bool keep_color);

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_TERMINAL_H_

#include "ctl/frontend/msrun/console.h"

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"

namespace muster {

void MsrunConsole::Print(absl::string_view text) {
  out_.Write(text);
  out_.Flush();
}

void MsrunConsole::Log(MsLevel level, absl::string_view text, const char* file, int line) {
  if (level < level_) return;
  err_.Write(MsLogLine(level, text, Clock::Real()->Wall(), file, line));
  err_.Flush();
}

void MsrunConsole::PrintError(absl::string_view text) {
  err_.Write(absl::StrCat(text, "\n"));
  err_.Flush();
}

}  // namespace muster

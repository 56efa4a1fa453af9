#include "ctl/frontend/msrun/console.h"

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"

namespace muster {

// Both may be one terminal: what the job wrote, then what is said of it.
MsrunConsole::~MsrunConsole() {
  out_.Flush();
  err_.Flush();
}

void MsrunConsole::Print(absl::string_view text) {
  out_.Write(text);
  out_.Offer();
}

void MsrunConsole::Log(MsLevel level, absl::string_view text, const char* file, int line) {
  if (level < level_) return;
  err_.Write(MsLogLine(level, text, Clock::Real()->Wall(), file, line));
  err_.Offer();
}

void MsrunConsole::PrintError(absl::string_view text) {
  err_.Write(absl::StrCat(text, "\n"));
  err_.Offer();
}

bool MsrunConsole::Offer() {
  err_.Offer();
  return out_.Offer();
}

void MsrunConsole::Discard() {
  out_.Discard();
  err_.Discard();
}

}  // namespace muster

#include "ctl/view/log_printer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "ctl/view/words.h"

namespace muster {
namespace {

// A line longer than this is shown in pieces, each with its label: nothing is held for ever.
constexpr size_t kMaxLine = 64 << 10;
constexpr const char* kLabelColors[] = {"36", "33", "32", "35", "34", "31"};

}  // namespace

LogPrinter::LogPrinter(const Options& options, Output* out, const Terminal& out_terminal,
                       Output* err, const Terminal& err_terminal)
    : options_(options), out_{out, out_terminal}, err_{err, err_terminal} {}

void LogPrinter::Print(const v1::ReadLogsResponse& message) {
  if (message.has_chunk()) return PrintChunk(message.chunk());
  if (message.has_gap()) return PrintGap(message.gap());
  if (message.has_end()) {
    const v1::LogEnd& end = message.end();
    const Key key(end.role(), end.rank(), end.stream());
    const auto it = lines_.find(key);
    if (it != lines_.end() && !it->second.text.empty()) Emit(key, &it->second, "", "\n");
    lines_.erase(key);
  }
}

void LogPrinter::PrintChunk(const v1::LogChunk& chunk) {
  if (options_.raw) return PrintRaw(chunk);
  const Key key(chunk.role(), chunk.rank(), chunk.stream());
  Line& line = lines_[key];
  absl::string_view rest = chunk.data();
  while (!rest.empty()) {
    if (line.text.empty()) line.time_ns = chunk.time_ns();
    const size_t end = rest.find('\n');
    if (end == absl::string_view::npos) {
      absl::StrAppend(&line.text, rest);
      if (line.text.size() >= kMaxLine) Emit(key, &line, "", "\n");
      return;
    }
    Emit(key, &line, rest.substr(0, end), "\n");
    rest.remove_prefix(end + 1);
  }
}

void LogPrinter::PrintRaw(const v1::LogChunk& chunk) {
  const Sink& sink = SinkOf(chunk.stream());
  if (!sink.terminal.is_tty) return sink.output->Write(chunk.data());
  // Line ends, and returns for progress bars, may steer the terminal; nothing else may.
  absl::string_view rest = chunk.data();
  while (!rest.empty()) {
    const size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    sink.output->Write(EscapeForTerminal(rest.substr(0, end), sink.terminal.color));
    if (end < rest.size()) sink.output->Write(rest.substr(end, 1));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

void LogPrinter::Emit(const Key& key, Line* line, absl::string_view rest, absl::string_view end) {
  const Sink& sink = SinkOf(std::get<2>(key));
  if (options_.timestamps) {
    sink.output->Write(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ ", absl::FromUnixNanos(line->time_ns),
                                        absl::UTCTimeZone()));
  }
  if (options_.prefix) {
    const std::string label = Label(std::get<0>(key), std::get<1>(key));
    const size_t color = static_cast<size_t>(std::get<1>(key)) % std::size(kLabelColors);
    sink.output->Write(sink.terminal.Paint(kLabelColors[color], label));
    sink.output->Write(" ");
  }
  if (sink.terminal.is_tty) {
    std::string text = absl::StrCat(line->text, rest);
    if (!text.empty() && text.back() == '\r') text.pop_back();
    sink.output->Write(EscapeForTerminal(text, sink.terminal.color));
  } else {
    sink.output->Write(line->text);
    sink.output->Write(rest);
  }
  sink.output->Write(end);
  line->text.clear();
}

void LogPrinter::PrintGap(const v1::LogGap& gap) {
  err_.output->Write(
      absl::StrCat(err_.terminal.Dim(absl::StrCat("… ", gap.length(), " bytes of ",
                                                  Label(gap.role(), gap.rank()),
                                                  " no longer exist: ", gap.reason())),
                   "\n"));
}

void LogPrinter::Finish() {
  for (auto& [key, line] : lines_) {
    if (!line.text.empty()) Emit(key, &line, "", "\n");
  }
  lines_.clear();
}

std::string LogPrinter::Label(const std::string& role, int rank) const {
  if (role == options_.main_role) return absl::StrFormat("[%*d]", options_.label_width, rank);
  return absl::StrFormat("[%s %*d]", role, options_.label_width, rank);
}

}  // namespace muster

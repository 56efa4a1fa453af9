#ifndef MUSTER_CTL_VIEW_LOG_PRINTER_H_
#define MUSTER_CTL_VIEW_LOG_PRINTER_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "absl/strings/string_view.h"
#include "ctl/view/output.h"
#include "ctl/view/terminal.h"
#include "muster/v1/log_service.pb.h"

namespace muster {

// Puts the output of ranks on the user's stdout and stderr: whole lines, each after its rank's
// label, or with one rank and no label the very bytes. On a terminal, what would steer it is made
// visible. Not thread-safe.
class LogPrinter {
 public:
  struct Options {
    bool prefix = true;  // "[3] " before each line.
    bool raw = false;    // One rank without prefix: bytes as they come, also parts of lines.
    bool timestamps = false;
    std::string main_role;  // Its ranks are labelled by their number alone.
    int label_width = 1;    // Digits of the highest rank, so that lines stand below each other.
  };
  // Outputs must outlive this object.
  LogPrinter(const Options& options, Output* out, const Terminal& out_terminal, Output* err,
             const Terminal& err_terminal);

  void Print(const v1::ReadLogsResponse& message);
  // Shows lines that wait for their end: nothing comes after them.
  void Finish();

 private:
  using Key = std::tuple<std::string, int, v1::OutputStream>;
  struct Line {
    std::string text;  // Without its end, so far.
    int64_t time_ns = 0;
  };
  struct Sink {
    Output* output;
    Terminal terminal;
  };

  const Sink& SinkOf(v1::OutputStream stream) const {
    return stream == v1::OUTPUT_STREAM_STDERR ? err_ : out_;
  }
  void PrintChunk(const v1::LogChunk& chunk);
  void PrintRaw(const v1::LogChunk& chunk);
  void PrintGap(const v1::LogGap& gap);
  // With `end` after it: "\n", or nothing where the stream breaks off within the line.
  void Emit(const Key& key, Line* line, absl::string_view rest, absl::string_view end);
  std::string Label(const std::string& role, int rank) const;

  const Options options_;
  const Sink out_;
  const Sink err_;
  std::map<Key, Line> lines_;
};

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_LOG_PRINTER_H_

#ifndef MUSTER_CTL_VIEW_OUTPUT_H_
#define MUSTER_CTL_VIEW_OUTPUT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace muster {

// Writes to a descriptor of the user's through a big buffer. A reader that went away (EPIPE) ends
// it quietly; a reader that stands still blocks Flush(), but never longer than until `interrupt_fd`
// becomes readable: what is left is then dropped, so that Ctrl-C always works. Not thread-safe.
class Output {
 public:
  // Neither descriptor is owned. `interrupt_fd` may be -1.
  explicit Output(int fd, int interrupt_fd = -1);
  ~Output() { Flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Flushes by itself when the buffer is full.
  void Write(absl::string_view bytes);
  void Flush();
  // Never waits: writes what the reader takes now and keeps the rest. Whether nothing is left.
  bool Offer();
  // What is left goes nowhere.
  void Discard() { buffer_.clear(); }

  bool empty() const { return buffer_.empty(); }
  // The reader is gone, or the device failed: further bytes go nowhere.
  bool broken() const { return broken_; }
  int fd() const { return fd_; }

 private:
  // Whether the descriptor takes bytes now; false after an interrupt.
  bool WaitWritable();
  bool TakesBytesNow() const;
  // Returns how many of `bytes` were written; after an error the output is broken.
  size_t WriteSome(absl::string_view bytes);

  const int fd_;
  const int interrupt_fd_;
  bool is_pipe_;
  std::string buffer_;
  bool broken_ = false;
};

}  // namespace muster

#endif  // MUSTER_CTL_VIEW_OUTPUT_H_

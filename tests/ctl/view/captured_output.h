#ifndef MUSTER_TESTS_CTL_VIEW_CAPTURED_OUTPUT_H_
#define MUSTER_TESTS_CTL_VIEW_CAPTURED_OUTPUT_H_

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "common/base/unique_fd.h"
#include "ctl/view/output.h"

namespace muster {

// An Output whose bytes a test can read.
class CapturedOutput {
 public:
  Output* output() { return &output_; }
  // All that was written.
  std::string Text() {
    output_.Flush();
    std::string text(static_cast<size_t>(lseek(fd_.get(), 0, SEEK_END)), '\0');
    const ssize_t n = pread(fd_.get(), text.data(), text.size(), 0);
    return n < 0 ? "unreadable" : text;
  }

 private:
  const UniqueFd fd_{memfd_create("output", MFD_CLOEXEC)};
  Output output_{fd_.get()};
};

}  // namespace muster

#endif  // MUSTER_TESTS_CTL_VIEW_CAPTURED_OUTPUT_H_

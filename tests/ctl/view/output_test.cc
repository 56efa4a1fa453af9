#include "ctl/view/output.h"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <csignal>
#include <string>

#include "common/base/unique_fd.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  UniqueFd read;
  UniqueFd write;
};

TEST(OutputTest, WritesWhenFlushed) {
  Pipe pipe;
  Output output(pipe.write.get());
  output.Write("hello");
  output.Flush();
  char buffer[16];
  EXPECT_EQ(read(pipe.read.get(), buffer, sizeof(buffer)), 5);
}

TEST(OutputTest, AReaderThatIsGoneIsNoDrama) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.read.reset();
  Output output(pipe.write.get());
  output.Write("hello");
  output.Flush();
  EXPECT_TRUE(output.broken());
}

TEST(OutputTest, AnInterruptEndsAWriteThatStandsStill) {
  Pipe pipe;
  UniqueFd interrupt(eventfd(1, EFD_CLOEXEC));
  Output output(pipe.write.get(), interrupt.get());
  output.Write(std::string(4 << 20, 'x'));  // More than a pipe holds; returns all the same.
  output.Flush();
  EXPECT_FALSE(output.broken());
}

TEST(OutputTest, AnOfferNeverWaitsAndKeepsTheRest) {
  Pipe pipe;
  Output output(pipe.write.get());
  const std::string text(200 << 10, 'x');  // More than the pipe holds.
  output.Write(text);
  EXPECT_FALSE(output.Offer());
  std::string seen;
  do {
    char buffer[4096];
    const ssize_t n = read(pipe.read.get(), buffer, sizeof(buffer));
    ASSERT_GT(n, 0);
    seen.append(buffer, static_cast<size_t>(n));
    output.Offer();
  } while (seen.size() < text.size());
  EXPECT_EQ(seen, text);
  EXPECT_TRUE(output.Offer());
}

}  // namespace
}  // namespace muster

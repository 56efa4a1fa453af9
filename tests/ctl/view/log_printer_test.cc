#include "ctl/view/log_printer.h"

#include "gtest/gtest.h"
#include "tests/ctl/view/captured_output.h"

namespace muster {
namespace {

v1::ReadLogsResponse Chunk(const std::string& role, int rank, v1::OutputStream stream,
                           const std::string& data) {
  v1::ReadLogsResponse message;
  message.mutable_chunk()->set_role(role);
  message.mutable_chunk()->set_rank(rank);
  message.mutable_chunk()->set_stream(stream);
  message.mutable_chunk()->set_data(data);
  message.mutable_chunk()->set_time_ns(1767225600123000000);
  return message;
}
v1::ReadLogsResponse Out(int rank, const std::string& data) {
  return Chunk("worker", rank, v1::OUTPUT_STREAM_STDOUT, data);
}

class LogPrinterTest : public testing::Test {
 protected:
  LogPrinterTest() { options_.main_role = "worker"; }
  LogPrinter MakePrinter() {
    return LogPrinter(options_, out_.output(), terminal_, err_.output(), terminal_);
  }
  LogPrinter::Options options_;
  Terminal terminal_;
  CapturedOutput out_;
  CapturedOutput err_;
};

TEST_F(LogPrinterTest, LabelsEachLineWithItsRank) {
  LogPrinter printer = MakePrinter();
  printer.Print(Out(3, "one\ntwo\n"));
  printer.Print(Chunk("server", 0, v1::OUTPUT_STREAM_STDOUT, "three\n"));
  EXPECT_EQ(out_.Text(), "[3] one\n[3] two\n[server 0] three\n");
}

TEST_F(LogPrinterTest, KeepsTheTwoStreamsApart) {
  LogPrinter printer = MakePrinter();
  printer.Print(Chunk("worker", 1, v1::OUTPUT_STREAM_STDERR, "oops\n"));
  EXPECT_EQ(out_.Text(), "");
  EXPECT_EQ(err_.Text(), "[1] oops\n");
}

TEST_F(LogPrinterTest, PutsLinesTogetherThatCameInPieces) {
  LogPrinter printer = MakePrinter();
  printer.Print(Out(0, "he"));
  printer.Print(Out(1, "other\n"));
  printer.Print(Out(0, "llo\n"));
  EXPECT_EQ(out_.Text(), "[1] other\n[0] hello\n");
}

TEST_F(LogPrinterTest, ShowsALineThatNeverEnded) {
  LogPrinter printer = MakePrinter();
  printer.Print(Out(0, "no newline"));
  v1::ReadLogsResponse end;
  end.mutable_end()->set_role("worker");
  end.mutable_end()->set_stream(v1::OUTPUT_STREAM_STDOUT);
  printer.Print(end);
  printer.Finish();
  EXPECT_EQ(out_.Text(), "[0] no newline\n");
}

TEST_F(LogPrinterTest, HoldsNoMoreThanALongLine) {
  LogPrinter printer = MakePrinter();
  printer.Print(Out(0, std::string(70000, 'x')));
  EXPECT_EQ(out_.Text().size(), 70005u);  // Label, line, newline.
}

TEST_F(LogPrinterTest, RawBytesComeAsTheyWereWritten) {
  options_.prefix = false;
  options_.raw = true;
  LogPrinter printer = MakePrinter();
  const std::string bytes("a\0b\x1b[31m\r\n50%\r", 14);
  printer.Print(Out(0, bytes));
  EXPECT_EQ(out_.Text(), bytes);
}

TEST_F(LogPrinterTest, ATerminalIsNotSteered) {
  terminal_.is_tty = true;
  LogPrinter printer = MakePrinter();
  printer.Print(Out(0,
                    "\x1b]0;owned\x07\xc2\x9b"
                    "2J tab\there\r\n"));
  EXPECT_EQ(out_.Text(), "[0] ^[]0;owned^G\\x9b2J tab\there\n");
}

TEST_F(LogPrinterTest, RanksKeepTheirColoursOnAColourTerminal) {
  terminal_.is_tty = true;
  terminal_.color = true;
  options_.prefix = false;
  LogPrinter printer = MakePrinter();
  printer.Print(Out(0, "\x1b[31mred\n"));
  EXPECT_EQ(out_.Text(), "\x1b[31mred\x1b[0m\n");
}

TEST_F(LogPrinterTest, TellsWhenALineWasTaken) {
  options_.timestamps = true;
  LogPrinter printer = MakePrinter();
  printer.Print(Out(0, "x\n"));
  EXPECT_EQ(out_.Text(), "2026-01-01T00:00:00.123Z [0] x\n");
}

TEST_F(LogPrinterTest, SaysWhatIsMissing) {
  LogPrinter printer = MakePrinter();
  v1::ReadLogsResponse gap;
  gap.mutable_gap()->set_role("worker");
  gap.mutable_gap()->set_length(100);
  gap.mutable_gap()->set_reason("quota");
  printer.Print(gap);
  EXPECT_EQ(err_.Text(), "… 100 bytes of [0] no longer exist: quota\n");
}

}  // namespace
}  // namespace muster

// What a shim that takes over is told by its agent, frame by frame.
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "agent/process/gang_record.h"
#include "agent/process/shim_process.h"
#include "agent/shim/codec.h"
#include "agent/shim/exit_journal.h"
#include "agent/shim/fd_socket.h"
#include "agent/shim/frame.h"
#include "agent/shim/kernel.h"
#include "agent/shim/log_format.h"
#include "common/base/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/agent/process/gang_fixture.h"

namespace muster {
namespace {

constexpr int kDeadlineMs = 20'000;

class TakeoverTest : public GangTest {
 protected:
  // The journal of a shim that died after it had started rank 0 as `pid`.
  void RecordStart(pid_t pid) {
    ExitJournal journal;
    JournalContents contents;
    ASSERT_TRUE(journal.Open(Path(kExitsFile), 1, /*durable=*/false, &contents));
    JournalRecord started;
    started.kind = JournalKind::kStarted;
    started.pid = pid;
    started.boottime_ns = BootNs();
    ASSERT_TRUE(journal.Append(started));
  }
  static void Send(int socket, FrameType type, const std::string& payload,
                   const std::vector<int>& fds = {}) {
    const std::string frame = EncodeFrame(type, payload);
    ASSERT_EQ(SendWithFds(socket, frame.data(), frame.size(), fds),
              static_cast<ssize_t>(frame.size()));
  }
  // The next exit that the shim tells.
  static std::optional<JournalRecord> AwaitExit(int socket) {
    FrameReader reader;
    std::deque<UniqueFd> fds;
    char buffer[4096];
    for (pollfd ready = {socket, POLLIN, 0}; poll(&ready, 1, kDeadlineMs) == 1;) {
      const ssize_t got = ReceiveWithFds(socket, buffer, sizeof(buffer), &fds);
      if (got <= 0) break;
      reader.Append(buffer, static_cast<size_t>(got));
      Frame frame;
      while (reader.Next(&frame) == FrameReader::Result::kFrame) {
        JournalRecord record;
        if (frame.type == FrameType::kExit && DecodeJournalRecord(frame.payload.data(), &record)) {
          return record;
        }
      }
    }
    return std::nullopt;
  }
};

// The rank stays a zombie of ours all the while: no kernel tells a stranger how it ended.
TEST_F(TakeoverTest, BelievesTheAgentThatWasTheReaperOfARank) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  const pid_t rank = fork();
  if (rank == 0) {
    close(ends[1]);
    char byte;
    _exit(read(ends[0], &byte, 1) == 0 ? 7 : 1);
  }
  const UniqueFd pidfd(PidfdOpen(rank));
  ASSERT_TRUE(pidfd.valid());
  WritePlan(Scripts({"true"}));
  RecordStart(rank);
  const absl::StatusOr<ShimProcess> shim =
      StartShim({ShimPath(), dir_, ""}, /*takeover=*/true, &loop_);
  ASSERT_TRUE(shim.ok()) << shim.status();
  const int socket = shim->socket.get();
  Send(socket, FrameType::kAdopt, EncodeDescriptors({{0, 0, DescriptorKind::kPidfd, pidfd.get()}}),
       {pidfd.get()});
  Send(socket, FrameType::kAgentHello, "");
  write_end.reset();  // It ends with code 7,
  siginfo_t info = {};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(rank), &info, WEXITED | WNOWAIT), 0);
  Encoder reaped;
  reaped.I32(0);
  reaped.I32(0);
  reaped.I32(9 << 8);  // and we say 9: nobody but us can have told the shim.
  Send(socket, FrameType::kReaped, reaped.bytes());
  const std::optional<JournalRecord> exit = AwaitExit(socket);
  EXPECT_EQ(waitpid(rank, nullptr, 0), rank);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->flags & kUnknown, 0);
  EXPECT_EQ(exit->code, 9);
  const absl::StatusOr<GangRecord> record = ReadGangRecord(dir_);
  ASSERT_TRUE(record.ok()) << record.status();
  ASSERT_EQ(record->exits.size(), 1u);
  EXPECT_EQ(record->exits[0].code, 9);
}

}  // namespace
}  // namespace muster

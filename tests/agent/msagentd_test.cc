// The program itself: how it starts, refuses to start, and ends.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agent/exit_codes.h"
#include "agent/shim/kernel.h"
#include "common/base/fs.h"
#include "common/base/unique_fd.h"
#include "common/rpc/channel.h"
#include "common/rpc/deadline.h"
#include "gtest/gtest.h"
#include "muster/v1/job_service.grpc.pb.h"
#include "muster/v1/log_service.grpc.pb.h"
#include "tests/fakes/temp_tree.h"

extern char** environ;

namespace muster {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// Waits for changes in `dir` until `condition` holds. False when it does not within kPatience.
template <typename Condition>
bool AwaitIn(const std::string& dir, Condition condition) {
  const UniqueFd changes(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  inotify_add_watch(changes.get(), dir.c_str(), IN_CREATE | IN_MODIFY | IN_MOVED_TO);
  const absl::Time end = absl::Now() + kPatience;
  while (!condition()) {
    pollfd changed = {changes.get(), POLLIN, 0};
    const absl::Duration left = end - absl::Now();
    if (left <= absl::ZeroDuration() ||
        poll(&changed, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) < 1) {
      return condition();
    }
    char events[4096];
    while (read(changes.get(), events, sizeof(events)) > 0) {
    }
  }
  return true;
}

// One msagentd. Killed at the end, if it still runs.
class Agent {
 public:
  Agent(const TempTree& tree, const std::string& name, const std::vector<std::string>& flags)
      : log_(tree.Path(name + ".log")) {
    std::vector<std::string> args = {"agent/msagentd", "--shim_path=agent/shim/msshim"};
    args.insert(args.end(), flags.begin(), flags.end());
    std::vector<char*> argv;
    for (std::string& arg : args) argv.push_back(arg.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                     0600);
    EXPECT_EQ(posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Agent() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  void Signal(int signal) { kill(pid_, signal); }
  // Its exit code; 128 and more for a signal, -1 when it does not end.
  int Wait() {
    int status = 0;
    const UniqueFd pidfd(PidfdOpen(pid_));
    pollfd gone = {pidfd.get(), POLLIN, 0};
    if (poll(&gone, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))) != 1) return -1;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string Log() const { return ReadFile(log_).value_or(""); }
  bool AwaitReady() const {
    return AwaitIn(DirName(log_), [this] { return absl::StrContains(Log(), " READY\n"); });
  }

 private:
  const std::string log_;
  pid_t pid_ = 0;
};

class MsagentdTest : public testing::Test {
 protected:
  MsagentdTest() : address_("unix:" + tree_.Path("agent.sock")) { signal(SIGPIPE, SIG_IGN); }

  std::vector<std::string> Flags(const std::string& state, const std::string& address) {
    return {"--state_dir=" + tree_.Path(state), "--listen=" + address, "--agent_devices=none"};
  }
  std::shared_ptr<grpc::Channel> Channel() { return *MakeChannel(address_, {}); }

  TempTree tree_{"/tmp"};
  const std::string address_;
};

TEST_F(MsagentdTest, RefusesBadFlagsInOneLine) {
  Agent agent(tree_, "a", {"--bogus"});
  EXPECT_EQ(agent.Wait(), kExitUsage);
  EXPECT_EQ(agent.Log(), "msagentd: --bogus: no such flag; see --help\n");
}

TEST_F(MsagentdTest, IsTheOnlyOneOnItsStateDirectory) {
  Agent first(tree_, "first", Flags("state", address_));
  ASSERT_TRUE(first.AwaitReady()) << first.Log();
  Agent second(tree_, "second", Flags("state", "unix:" + tree_.Path("other.sock")));
  EXPECT_EQ(second.Wait(), kExitStateInUse);
  EXPECT_TRUE(absl::StrContains(second.Log(), "another agent (pid ")) << second.Log();
}

TEST_F(MsagentdTest, DoesNotTakeASocketFromALivingAgent) {
  Agent first(tree_, "first", Flags("state", address_));
  ASSERT_TRUE(first.AwaitReady()) << first.Log();
  Agent second(tree_, "second", Flags("state2", address_));
  EXPECT_EQ(second.Wait(), kExitListen);
  EXPECT_TRUE(absl::StrContains(second.Log(), "another program listens there")) << second.Log();
}

TEST_F(MsagentdTest, DoesNotStartOnADamagedDatabase) {
  tree_.Write("state/scheduler.db", std::string(8192, 'x'));
  Agent agent(tree_, "a", Flags("state", address_));
  EXPECT_EQ(agent.Wait(), kExitState);
  EXPECT_TRUE(absl::StrContains(agent.Log(), "scheduler.db")) << agent.Log();
}

TEST_F(MsagentdTest, EndsStreamsAtSigtermAndLeavesTheRanksRunning) {
  auto agent = std::make_unique<Agent>(tree_, "a", Flags("state", address_));
  ASSERT_TRUE(agent->AwaitReady()) << agent->Log();
  const auto jobs = v1::JobService::NewStub(Channel());
  v1::SubmitJobRequest request;
  request.set_request_id("r1");
  request.mutable_spec()->set_name("sleeper");
  request.mutable_spec()->set_workdir(tree_.root());
  for (const char* word :
       {"/bin/sh", "-c", "echo hello; echo $$ > pid.new && mv pid.new pid && exec sleep 60"}) {
    request.mutable_spec()->add_command(word);
  }
  v1::SubmitJobResponse submitted;
  grpc::ClientContext submit;
  SetTimeout(&submit, kPatience);
  const grpc::Status accepted = jobs->SubmitJob(&submit, request, &submitted);
  ASSERT_TRUE(accepted.ok()) << accepted.error_message();
  ASSERT_TRUE(AwaitIn(tree_.root(), [this] { return PathExists(tree_.Path("pid")); }))
      << agent->Log();
  pid_t rank = 0;
  ASSERT_TRUE(absl::SimpleAtoi(*ReadFile(tree_.Path("pid")), &rank));

  grpc::ClientContext watch;
  v1::WatchJobRequest watched;
  watched.set_job_id(submitted.job().id());
  const auto watcher = jobs->WatchJob(&watch, watched);
  v1::WatchJobResponse change;
  ASSERT_TRUE(watcher->Read(&change));
  grpc::ClientContext read;
  v1::ReadLogsRequest logs;
  logs.set_job_id(submitted.job().id());
  logs.set_follow(true);
  const auto reader = v1::LogService::NewStub(Channel())->ReadLogs(&read, logs);
  v1::ReadLogsResponse chunk;
  ASSERT_TRUE(reader->Read(&chunk));
  EXPECT_EQ(chunk.chunk().data(), "hello\n");

  agent->Signal(SIGTERM);
  EXPECT_EQ(agent->Wait(), kExitOk) << agent->Log();
  // By the agent's own word: nobody has waited for them, and the connection was there to the last.
  while (watcher->Read(&change)) {
  }
  const grpc::Status watched_to = watcher->Finish();
  EXPECT_EQ(watched_to.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(absl::StrContains(watched_to.error_message(), "going down"))
      << watched_to.error_message();
  while (reader->Read(&chunk)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(kill(rank, 0), 0);

  // The next agent finds the rank, and can end it.
  agent = std::make_unique<Agent>(tree_, "b", Flags("state", address_));
  ASSERT_TRUE(agent->AwaitReady()) << agent->Log();
  grpc::ClientContext cancel, wait;
  SetTimeout(&wait, kPatience);
  const auto again = v1::JobService::NewStub(Channel());
  v1::CancelJobRequest order;
  order.set_job_id(submitted.job().id());
  v1::CancelJobResponse ordered;
  EXPECT_TRUE(again->CancelJob(&cancel, order, &ordered).ok());
  v1::WaitJobRequest awaited;
  awaited.set_job_id(submitted.job().id());
  v1::WaitJobResponse ended;
  const grpc::Status waited = again->WaitJob(&wait, awaited, &ended);
  EXPECT_TRUE(waited.ok()) << waited.error_message() << agent->Log();
  EXPECT_EQ(ended.job().status().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_NE(kill(rank, 0), 0);
  agent->Signal(SIGTERM);
  EXPECT_EQ(agent->Wait(), kExitOk) << agent->Log();
}

}  // namespace
}  // namespace muster

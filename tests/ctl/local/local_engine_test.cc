#include "ctl/local/local_engine.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "common/base/fs.h"
#include "common/job/job_defaults.h"
#include "ctl/client/job_follower.h"
#include "ctl/local/local_job_source.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

// Real ranks under a real msshim, in a state directory that must be gone at the end.
class LocalEngineTest : public testing::Test {
 protected:
  LocalEngineTest() {
    // Short: a socket's path has 107 bytes.
    char pattern[] = "/tmp/mlt-XXXXXX";
    tmp_ = mkdtemp(pattern);
    setenv("TMPDIR", tmp_.c_str(), 1);
    options_.shim_path =
        std::string(std::filesystem::current_path().string()) + "/agent/shim/msshim";
    options_.devices = "fake:2";
    options_.base_env = {{"PATH", "/usr/bin:/bin"}};
  }
  ~LocalEngineTest() override { RemoveTree(tmp_).IgnoreError(); }

  static v1::JobSpec Shell(const std::string& script, int ranks) {
    v1::JobSpec spec;
    spec.set_name("test");
    spec.set_contract("plain");
    spec.set_ranks_per_node(ranks);
    for (const char* word : {"/bin/sh", "-c"}) spec.add_command(word);
    spec.add_command(script);
    spec.set_workdir("/");
    FillJobDefaults(&spec);
    return spec;
  }

  // Runs it to its end; the job as it was then.
  v1::Job Run(const v1::JobSpec& spec) {
    auto engine = LocalEngine::Start(options_);
    EXPECT_TRUE(engine.ok()) << engine.status();
    if (!engine.ok()) return v1::Job();
    EventLoop loop;
    LocalJobSource source(engine->get(), &loop);
    std::unique_ptr<JobFollower> follower;
    v1::Job last;
    v1::SubmitJobRequest request;
    *request.mutable_spec() = spec;
    request.set_request_id("r");
    source.Submit(request, [&](const absl::StatusOr<v1::Job>& job) {
      EXPECT_TRUE(job.ok()) << job.status();
      if (!job.ok()) return loop.Stop();
      JobFollower::Options options;
      options.job_id = job->id();
      options.first_attempt = 0;
      JobFollower::Callbacks callbacks;
      callbacks.on_job = [&](const v1::Job& now) { last = now; };
      callbacks.on_log = [&](const v1::ReadLogsResponse& m) { output_ += m.chunk().data(); };
      callbacks.on_attempt_read = [](int) {};
      callbacks.on_notice = [](const std::string&) {};
      callbacks.on_done = [&](const absl::Status&) { loop.Stop(); };
      follower = std::make_unique<JobFollower>(&source, &loop, options, std::move(callbacks));
    });
    loop.After(absl::Seconds(30), [&] { loop.Stop(); });
    loop.Run();
    return last;
  }
  size_t LeftBehind() { return ListDir(tmp_)->size(); }

  std::string tmp_;
  LocalEngine::Options options_;
  std::string output_;
};

TEST_F(LocalEngineTest, RunsRanksAndShowsTheirOutput) {
  const v1::Job job = Run(Shell("echo rank $MUSTER_RANK", 1));
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(output_, "rank 0\n");
  EXPECT_EQ(LeftBehind(), 0u);
}

TEST_F(LocalEngineTest, TheFirstFailureIsTheVerdict) {
  const v1::Job job = Run(Shell("[ $MUSTER_RANK = 1 ] && exit 3; sleep 60", 3));
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job.status().exit_code(), 3);
  EXPECT_EQ(job.status().attempts(0).first_cause().rank(), 1);
  EXPECT_EQ(LeftBehind(), 0u);
}

TEST_F(LocalEngineTest, AFailedGangStartsAgain) {
  v1::JobSpec spec = Shell("echo attempt $MUSTER_ATTEMPT; exit $((1 - MUSTER_ATTEMPT))", 1);
  spec.mutable_restart()->set_max_restarts(1);
  spec.mutable_restart()->mutable_first_delay()->set_nanos(1000000);
  const v1::Job job = Run(spec);
  EXPECT_EQ(job.status().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(output_, "attempt 0\nattempt 1\n");
}

TEST_F(LocalEngineTest, ARunThatIsLeftEarlyIsStopped) {
  {
    auto engine = LocalEngine::Start(options_);
    ASSERT_TRUE(engine.ok()) << engine.status();
    EventLoop loop;
    LocalJobSource source(engine->get(), &loop);
    v1::SubmitJobRequest request;
    *request.mutable_spec() = Shell("sleep 60", 2);
    request.set_request_id("r");
    std::unique_ptr<SourceStream> watch;
    source.Submit(request, [&](const absl::StatusOr<v1::Job>& job) {
      v1::WatchJobRequest watched;
      watched.set_job_id(job->id());
      watch = source.Watch(
          watched,
          [&](const v1::WatchJobResponse& response) {
            if (response.job().status().state() == v1::JOB_STATE_RUNNING) loop.Stop();
            watch->Next();
          },
          [](const absl::Status&) {});
    });
    loop.After(absl::Seconds(30), [&] { loop.Stop(); });
    loop.Run();
  }
  EXPECT_EQ(LeftBehind(), 0u);
}

TEST_F(LocalEngineTest, SaysWhereItLookedForTheShim) {
  const absl::Status status = FindShim("/nonexistent/msshim").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_EQ(status.message(), "msshim, which starts ranks, is not at /nonexistent/msshim");
}

}  // namespace
}  // namespace muster

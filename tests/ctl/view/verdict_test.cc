#include "ctl/view/verdict.h"

#include "common/rpc/error_details.h"
#include "ctl/view/error_text.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

v1::Job Ended(v1::JobState state) {
  v1::Job job;
  job.set_id("resnet-7f3a00");
  job.mutable_status()->set_state(state);
  job.mutable_status()->mutable_submit_time()->set_seconds(1000);
  job.mutable_status()->mutable_end_time()->set_seconds(1252);
  return job;
}

v1::Job Failed() {
  v1::Job job = Ended(v1::JOB_STATE_FAILED);
  job.mutable_status()->set_exit_code(137);
  job.mutable_spec()->mutable_restart()->set_max_restarts(2);
  v1::FirstCause* cause = job.mutable_status()->add_attempts()->mutable_first_cause();
  cause->set_role("worker");
  cause->set_rank(9);
  cause->set_summary("rank 9 on node-3: killed by SIGKILL, out of memory");
  cause->set_fallout(15);
  return job;
}

TEST(VerdictTest, NamesTheFirstCauseTheFalloutAndWhereToLook) {
  EXPECT_EQ(VerdictText(Failed(), Terminal(), /*has_logs=*/true),
            "failed: resnet-7f3a00 failed after 4m12s (1 attempt)\n"
            "  first cause  rank 9 on node-3: killed by SIGKILL, out of memory\n"
            "  fallout      15 other ranks ended because of it\n"
            "  last lines   msctl logs resnet-7f3a00 --rank 9 --tail 20\n");
}

TEST(VerdictTest, SaysWhenOnALineOfItsOwn) {
  v1::Job job = Failed();
  job.mutable_status()->mutable_attempts(0)->mutable_first_cause()->mutable_time()->set_seconds(9);
  const std::string text = VerdictText(job, Terminal(), true);
  EXPECT_NE(text.find("out of memory\n  when         "), std::string::npos) << text;
  EXPECT_NE(text.find(":09.000\n"), std::string::npos) << text;
}

TEST(VerdictTest, ARankThatCouldNotStartHasOneLineAndNoLogs) {
  v1::Job job = Failed();
  v1::FirstCause* cause = job.mutable_status()->mutable_attempts(0)->mutable_first_cause();
  cause->set_summary("rank 0 on vm: cannot start 'foo': No such file or directory");
  cause->mutable_exit()->set_not_started("cannot start 'foo': No such file or directory");
  cause->mutable_time()->set_seconds(9);
  cause->set_fallout(0);
  EXPECT_EQ(VerdictText(job, Terminal(), true),
            "failed: resnet-7f3a00 failed after 4m12s (1 attempt)\n"
            "  first cause  rank 0 on vm: cannot start 'foo': No such file or directory\n");
}

TEST(VerdictTest, SaysWhyItDoesNotStartAgain) {
  v1::Job job = Failed();
  job.mutable_status()->set_gave_up("exit code 93 is in restart.never_on");
  EXPECT_NE(VerdictText(job, Terminal(), true)
                .find("\n  gave up      exit code 93 is in restart.never_on\n"),
            std::string::npos);
}

TEST(VerdictTest, PointsToNoLogsThatAreGone) {
  EXPECT_EQ(VerdictText(Failed(), Terminal(), false).find("last lines"), std::string::npos);
}

TEST(VerdictTest, ASuccessIsOneLine) {
  EXPECT_EQ(VerdictText(Ended(v1::JOB_STATE_SUCCEEDED), Terminal(), true),
            "ok: resnet-7f3a00 succeeded after 4m12s\n");
}

TEST(VerdictTest, MirrorsTheJobsExitCode) {
  EXPECT_EQ(MirroredExitCode(Failed()), 137);
  EXPECT_EQ(MirroredExitCode(Ended(v1::JOB_STATE_SUCCEEDED)), 0);
  EXPECT_EQ(MirroredExitCode(Ended(v1::JOB_STATE_FAILED)), 1);  // Never 0 for a failure.
}

TEST(VerdictTest, JsonSaysWhoseCodeItIs) {
  EXPECT_EQ(
      ResultJson(Failed(), 137).rfind("{\"source\": \"job\", \"exit_code\": 137, \"job\": {", 0),
      0u);
  EXPECT_EQ(ErrorJson(absl::NotFoundError("job x: no such job"), 5),
            "{\"source\": \"client\", \"exit_code\": 5, \"error\": {\"code\": \"NOT_FOUND\", "
            "\"message\": \"job x: no such job\", \"details\": {}}}\n");
}

TEST(ErrorTextTest, ShowsEveryHintOnce) {
  absl::Status status = absl::InvalidArgumentError("bad spec");
  status = WithDetail(status, "A", "job.x", "do this");
  status = WithDetail(status, "B", "job.y", "do this");
  status = WithDetail(status, "C", "job.z", "or that");
  EXPECT_EQ(ErrorText(status, Terminal(), false),
            "error: bad spec\nhelp: do this\nhelp: or that\n");
}

TEST(ErrorTextTest, DoesNotRepeatAHintThatTheMessageHas) {
  const absl::Status status =
      WithDetail(absl::InvalidArgumentError("'nodes' is 9999; use a number from 1 to 4096"),
                 "OUT_OF_RANGE", "job.nodes", "use a number from 1 to 4096");
  EXPECT_EQ(ErrorText(status, Terminal(), false),
            "error: 'nodes' is 9999; use a number from 1 to 4096\n");
}

TEST(ErrorTextTest, LeavesALaunchersUsageAlone) {
  const std::string text = "usage: msrun [-h] task_script\nmsrun: error: no script";
  EXPECT_EQ(ErrorText(absl::InvalidArgumentError(text), Terminal(), false), text + "\n");
}

TEST(ErrorTextTest, LeavesTheJobFilesOwnTextAlone) {
  EXPECT_EQ(ErrorText(absl::InvalidArgumentError("error: job.yaml:1:1: x\n"), Terminal(), false),
            "error: job.yaml:1:1: x\n");
}

}  // namespace
}  // namespace muster

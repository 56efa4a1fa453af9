#include "agent/task/disk_thread.h"

#include <sched.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/event_loop.h"
#include "gtest/gtest.h"
#include "tests/fakes/temp_tree.h"

namespace muster {
namespace {

using Dirs = absl::StatusOr<std::vector<std::string>>;

class DiskThreadTest : public testing::Test {
 protected:
  // Runs the loop until all jobs that were queued so far are done.
  void Drain(DiskThread* disk) {
    bool done = false;
    disk->Run([] { return absl::OkStatus(); }, [&done](const absl::Status&) { done = true; });
    while (!done) {
      if (!loop_.RunDue()) sched_yield();
    }
  }

  EventLoop loop_;
  TempTree tree_;
};

TEST_F(DiskThreadTest, RunsJobsInOrderAndAnswersInOrder) {
  DiskThread disk(&loop_, /*durable=*/true);
  std::vector<int> worked;
  std::vector<int> done;
  for (int i = 0; i < 100; ++i) {
    disk.RunDurably(
        [&worked, i, this]() -> Dirs {
          worked.push_back(i);
          return std::vector<std::string>{tree_.root()};
        },
        [&done, i](const absl::Status& status) {
          EXPECT_TRUE(status.ok()) << status;
          done.push_back(i);
        });
  }
  Drain(&disk);
  EXPECT_EQ(worked.size(), 100u);
  EXPECT_EQ(done, worked);
}

TEST_F(DiskThreadTest, AFailedJobLeavesTheOthersAlone) {
  DiskThread disk(&loop_, /*durable=*/true);
  absl::Status first, second;
  disk.Run([] { return absl::ResourceExhaustedError("full"); },
           [&first](const absl::Status& status) { first = status; });
  disk.RunDurably([this]() -> Dirs { return std::vector<std::string>{tree_.root()}; },
                  [&second](const absl::Status& status) { second = status; });
  Drain(&disk);
  EXPECT_TRUE(absl::IsResourceExhausted(first));
  EXPECT_TRUE(second.ok());
}

TEST_F(DiskThreadTest, NothingIsDurableAfterAFailedSync) {
  DiskThread disk(&loop_, /*durable=*/true);
  const auto sync = [&](const std::string& dir) {
    absl::Status result;
    disk.RunDurably([dir]() -> Dirs { return std::vector<std::string>{dir}; },
                    [&result](const absl::Status& status) { result = status; });
    Drain(&disk);
    return result;
  };
  EXPECT_TRUE(sync(tree_.root()).ok());
  EXPECT_TRUE(absl::IsDataLoss(sync(tree_.Path("absent"))));
  EXPECT_TRUE(absl::IsDataLoss(sync(tree_.root())));
}

TEST_F(DiskThreadTest, TheDestructorFinishesTheWorkButDoesNotCallBack) {
  bool worked = false;
  bool called = false;
  {
    DiskThread disk(&loop_, /*durable=*/false);
    disk.Run(
        [&worked] {
          worked = true;
          return absl::OkStatus();
        },
        [&called](const absl::Status&) { called = true; });
  }
  loop_.RunDue();
  EXPECT_TRUE(worked);
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace muster

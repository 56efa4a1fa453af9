#include "common/rpc/open_calls.h"

#include <vector>

#include "common/base/event_loop.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

struct RecordingCall : OpenCall {
  void End(const absl::Status& status) override { ends.push_back(status); }
  std::vector<absl::Status> ends;
};

TEST(OpenCallsTest, EndsEveryCallOnceAndLetsNoMoreIn) {
  EventLoop loop;
  OpenCalls calls(&loop);
  RecordingCall stays, left, late;
  EXPECT_TRUE(calls.Add(&stays));
  EXPECT_TRUE(calls.Add(&left));
  calls.Remove(&left);

  calls.EndAll(absl::UnavailableError("going down"));

  EXPECT_EQ(stays.ends, std::vector<absl::Status>({absl::UnavailableError("going down")}));
  EXPECT_TRUE(left.ends.empty());
  EXPECT_FALSE(calls.Add(&late));
  EXPECT_EQ(calls.status(), absl::UnavailableError("going down"));
}

}  // namespace
}  // namespace muster

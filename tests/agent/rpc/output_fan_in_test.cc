#include "agent/rpc/output_fan_in.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fakes/fake_gangs.h"

namespace muster {
namespace {

class OutputFanInTest : public testing::Test {
 protected:
  void Open(const v1::ReadLogsRequest& request) {
    auto opened = OutputFanIn::Open(&gangs_, request, [this] { ++told_; });
    ASSERT_TRUE(opened.ok()) << opened.status();
    fan_in_ = *std::move(opened);
  }
  absl::Status OpenError(const v1::ReadLogsRequest& request) {
    return OutputFanIn::Open(&gangs_, request, [] {}).status();
  }
  // Every frame that is there: "RANK out|err OFFSET DATA", "… gap LENGTH", "… end LENGTH".
  std::vector<std::string> Take() {
    std::vector<std::string> frames;
    while (true) {
      auto next = fan_in_->Next();
      EXPECT_TRUE(next.ok()) << next.status();
      if (!next.ok() || !next->has_value()) return frames;
      const OutputFrame& frame = **next;
      std::string text = std::to_string(frame.rank) + (frame.is_stderr ? " err " : " out ");
      if (frame.end) {
        text += "end " + std::to_string(frame.end_length);
      } else if (frame.piece.gap_length > 0) {
        text += "gap " + std::to_string(frame.piece.gap_length);
      } else {
        text += std::to_string(frame.piece.offset) + " " + frame.piece.data;
      }
      frames.push_back(text);
    }
  }
  static v1::ReadLogsRequest All(bool follow) {
    v1::ReadLogsRequest request;
    request.set_job_id("job");
    request.set_follow(follow);
    return request;
  }
  static v1::ReadLogsRequest One(int rank, v1::OutputStream stream, int64_t offset, bool follow) {
    v1::ReadLogsRequest request = All(follow);
    v1::LogCursor* const cursor = request.add_cursors();
    cursor->set_role("worker");
    cursor->set_rank(rank);
    cursor->set_stream(stream);
    cursor->set_offset(offset);
    return request;
  }

  FakeGangs gangs_;
  int told_ = 0;
  std::unique_ptr<OutputFanIn> fan_in_;
};

using Frames = std::vector<std::string>;

TEST_F(OutputFanInTest, ReadsEveryRankAndBothStreamsWithoutCursors) {
  gangs_.Log(0, false)->Append("a");
  gangs_.Log(0, true)->Append("b");
  gangs_.Log(1, false)->Append("c");
  Open(All(/*follow=*/false));
  EXPECT_EQ(Take(), Frames({"0 out 0 a", "0 err 0 b", "1 out 0 c"}));
  EXPECT_TRUE(fan_in_->Done());
}

TEST_F(OutputFanInTest, EndsAtWhatIsThereWithoutFollow) {
  gangs_.Log(0, false)->Append("abc");
  Open(One(0, v1::OUTPUT_STREAM_STDOUT, 1, /*follow=*/false));
  EXPECT_EQ(Take(), Frames({"0 out 1 bc"}));
  EXPECT_TRUE(fan_in_->Done());
  EXPECT_EQ(gangs_.Log(0, false)->readers(), 0);
}

TEST_F(OutputFanInTest, FollowsUntilEveryStreamHasEnded) {
  gangs_.Log(0, false);
  Open(All(/*follow=*/true));
  EXPECT_EQ(Take(), Frames());
  EXPECT_FALSE(fan_in_->Done());

  gangs_.Log(0, false)->Append("x");
  EXPECT_EQ(told_, 1);
  EXPECT_EQ(Take(), Frames({"0 out 0 x"}));

  gangs_.Log(0, false)->End();
  gangs_.Log(0, true)->End();
  EXPECT_EQ(Take(), Frames({"0 out end 1", "0 err end 0"}));
  EXPECT_TRUE(fan_in_->Done());
}

TEST_F(OutputFanInTest, GivesEachStreamItsTurn) {
  gangs_.Log(0, false)->Append(std::string(3 * (64 << 10), 'x'));
  gangs_.Log(1, false)->Append("y");
  v1::ReadLogsRequest request = One(0, v1::OUTPUT_STREAM_STDOUT, 0, false);
  *request.add_cursors() = One(1, v1::OUTPUT_STREAM_STDOUT, 0, false).cursors(0);
  Open(request);
  const Frames frames = Take();
  ASSERT_EQ(frames.size(), 4u);
  EXPECT_EQ(frames[1], "1 out 0 y");
}

TEST_F(OutputFanInTest, ShowsGaps) {
  gangs_.Log(0, false)->Append("0123456789");
  gangs_.Log(0, false)->Drop(4, "quota");
  Open(One(0, v1::OUTPUT_STREAM_STDOUT, 0, false));
  EXPECT_EQ(Take(), Frames({"0 out gap 4", "0 out 4 456789"}));
}

TEST_F(OutputFanInTest, BeginsAtTheLastLinesWhenAsked) {
  gangs_.Log(0, false)->Append("one\ntwo\nthree\n");
  v1::ReadLogsRequest request = One(0, v1::OUTPUT_STREAM_STDOUT, 0, false);
  request.set_tail_lines(2);
  Open(request);
  EXPECT_EQ(Take(), Frames({"0 out 4 two\nthree\n"}));
}

TEST_F(OutputFanInTest, PassesErrorsOn) {
  EXPECT_EQ(OpenError(v1::ReadLogsRequest()).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(OpenError(One(9, v1::OUTPUT_STREAM_STDOUT, 0, true)).code(),
            absl::StatusCode::kNotFound);
  v1::ReadLogsRequest elsewhere = All(true);
  elsewhere.set_job_id("other");
  EXPECT_EQ(OpenError(elsewhere).code(), absl::StatusCode::kNotFound);
  gangs_.Log(0, false)->End();
  EXPECT_EQ(OpenError(One(0, v1::OUTPUT_STREAM_STDOUT, 5, false)).code(),
            absl::StatusCode::kOutOfRange);
  gangs_.Log(1, false)->FailNext(absl::DataLossError("disk"));
  Open(One(1, v1::OUTPUT_STREAM_STDOUT, 0, false));
  EXPECT_EQ(fan_in_->Next().status(), absl::DataLossError("disk"));
}

TEST_F(OutputFanInTest, RefusesMoreCursorsThanACallMayHave) {
  v1::ReadLogsRequest request = All(false);
  for (int i = 0; i < 5000; ++i) request.add_cursors()->set_role("worker");
  EXPECT_EQ(OpenError(request).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace muster

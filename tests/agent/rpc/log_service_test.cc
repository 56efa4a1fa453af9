#include "agent/rpc/log_service.h"

#include <string>

#include "common/rpc/crc32c.h"
#include "common/rpc/deadline.h"
#include "common/rpc/grpc_status.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_gangs.h"
#include "tests/fakes/rpc_rig.h"

namespace muster {
namespace {

class LogServiceTest : public testing::Test {
 protected:
  LogServiceTest() : service_(rig_.loop(), &gangs_, rig_.calls()) {
    rig_.Serve({&service_});
    stub_ = v1::LogService::NewStub(rig_.channel());
    SetTimeout(&context_, absl::Seconds(20));
    rig_.OnLoop([this] { log_ = gangs_.Log(0, false); });
    request_.set_job_id("job");
    v1::LogCursor* const cursor = request_.add_cursors();
    cursor->set_role("worker");
    cursor->set_stream(v1::OUTPUT_STREAM_STDOUT);
  }
  ~LogServiceTest() override { rig_.Stop(); }

  void Append(const std::string& bytes) {
    rig_.OnLoop([&] { log_->Append(bytes); });
  }
  bool AwaitNoReaders() {
    return rig_.Await([this] { return log_->readers() == 0 && rig_.calls()->size() == 0; });
  }

  RpcRig rig_;
  FakeGangs gangs_;
  LogServiceRpc service_;
  FakeOutputLog* log_ = nullptr;
  std::unique_ptr<v1::LogService::Stub> stub_;
  grpc::ClientContext context_;
  v1::ReadLogsRequest request_;
  v1::ReadLogsResponse response_;
};

TEST_F(LogServiceTest, SendsChunksWithTheirChecksum) {
  Append("hello\n");
  auto reader = stub_->ReadLogs(&context_, request_);
  ASSERT_TRUE(reader->Read(&response_));
  const v1::LogChunk& chunk = response_.chunk();
  EXPECT_EQ(chunk.role(), "worker");
  EXPECT_EQ(chunk.rank(), 0);
  EXPECT_EQ(chunk.stream(), v1::OUTPUT_STREAM_STDOUT);
  EXPECT_EQ(chunk.offset(), 0);
  EXPECT_EQ(chunk.data(), "hello\n");
  EXPECT_EQ(chunk.crc32c(), Crc32c("hello\n"));
  EXPECT_EQ(chunk.time_ns(), 1'000'000'000);
  EXPECT_FALSE(reader->Read(&response_));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(LogServiceTest, SendsALongStreamWholeInPiecesOfAtMost64KiB) {
  std::string sent;
  for (int i = 0; i < 300'000; ++i) sent += static_cast<char>(i * 7 + i / 256);
  rig_.OnLoop([&] {
    log_->Append(sent);
    log_->End();
  });
  auto reader = stub_->ReadLogs(&context_, request_);
  std::string got;
  while (reader->Read(&response_) && response_.has_chunk()) {
    EXPECT_EQ(response_.chunk().offset(), static_cast<int64_t>(got.size()));
    EXPECT_LE(response_.chunk().data().size(), 64u << 10);
    got += response_.chunk().data();
  }
  EXPECT_TRUE(got == sent);
  EXPECT_EQ(response_.end().length(), static_cast<int64_t>(sent.size()));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(LogServiceTest, FollowsUntilTheEnd) {
  request_.set_follow(true);
  auto reader = stub_->ReadLogs(&context_, request_);
  for (const char* line : {"one\n", "two\n"}) {
    Append(line);
    ASSERT_TRUE(reader->Read(&response_));
    EXPECT_EQ(response_.chunk().data(), line);
  }
  rig_.OnLoop([this] { log_->End(); });
  ASSERT_TRUE(reader->Read(&response_));
  EXPECT_EQ(response_.end().length(), 8);
  EXPECT_FALSE(reader->Read(&response_));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(LogServiceTest, TellsOfGaps) {
  rig_.OnLoop([this] {
    log_->Append("0123456789");
    log_->Drop(4, "log quota");
  });
  auto reader = stub_->ReadLogs(&context_, request_);
  ASSERT_TRUE(reader->Read(&response_));
  EXPECT_EQ(response_.gap().offset(), 0);
  EXPECT_EQ(response_.gap().length(), 4);
  EXPECT_EQ(response_.gap().reason(), "log quota");
  ASSERT_TRUE(reader->Read(&response_));
  EXPECT_EQ(response_.chunk().offset(), 4);
}

TEST_F(LogServiceTest, RefusesWhatIsNotHere) {
  request_.set_job_id("other");
  auto reader = stub_->ReadLogs(&context_, request_);
  EXPECT_FALSE(reader->Read(&response_));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(LogServiceTest, FreesEverythingWhenTheReaderGoesAwayInMidStream) {
  request_.set_follow(true);
  Append("x");
  auto reader = stub_->ReadLogs(&context_, request_);
  ASSERT_TRUE(reader->Read(&response_));
  context_.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(AwaitNoReaders());
  Append("y");  // Nobody is told, and nothing breaks.
}

TEST_F(LogServiceTest, TakesNoMoreFromTheLogThanASlowReaderReads) {
  Append(std::string(64 << 20, 'x'));
  auto reader = stub_->ReadLogs(&context_, request_);
  ASSERT_TRUE(reader->Read(&response_));
  // The transport takes some frames ahead; then the log is left alone until the reader goes on.
  int taken = -1;
  ASSERT_TRUE(
      rig_.Await([this, &taken] { return std::exchange(taken, log_->pieces_taken()) > 0; }));
  rig_.OnLoop([this] { EXPECT_LT(log_->pieces_taken(), 64); });
  context_.TryCancel();
  EXPECT_TRUE(AwaitNoReaders());
}

TEST_F(LogServiceTest, AbortsReadersWhenTheAgentGoesDown) {
  request_.set_follow(true);
  Append("x");
  auto reader = stub_->ReadLogs(&context_, request_);
  ASSERT_TRUE(reader->Read(&response_));
  rig_.OnLoop([this] { rig_.calls()->EndAll(absl::UnavailableError("the agent is going down")); });
  EXPECT_FALSE(reader->Read(&response_));
  const absl::Status status = FromGrpcStatus(reader->Finish());
  EXPECT_EQ(status, absl::AbortedError("the agent is going down"));
}

}  // namespace
}  // namespace muster

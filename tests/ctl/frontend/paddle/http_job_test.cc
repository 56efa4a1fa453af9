// One launcher's job over loopback; the other node is what it would write into the master.
#include "ctl/frontend/paddle/http_job.h"

#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/event_loop.h"
#include "ctl/frontend/paddle/http_master.h"
#include "ctl/frontend/rendezvous/kv_client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ctl/frontend/paddle/pod_rig.h"

namespace muster {
namespace {

using ::testing::HasSubstr;
using Keys = absl::StatusOr<std::map<std::string, std::string>>;

constexpr auto kPatience = std::chrono::seconds(30);

class HttpJobTest : public ::testing::Test {
 protected:
  void TearDown() override {
    loop_.Call([this] {
      job_.reset();
      client_.reset();
    });
  }

  void Start() {
    loop_.Call([this] {
      HttpMaster::Options options;
      options.host = "127.0.0.1";
      options.serve = true;
      options.job_id = settings_.flags.job_id;
      options.size = 2;
      options.timeout = absl::Seconds(60);
      auto master = std::make_unique<HttpMaster>(loop_.loop(), &log_, options);
      EXPECT_TRUE(master->Open().ok());
      client_ = KvClient::Create(loop_.loop(), "127.0.0.1", master->port());
      PaddleJobParts parts = {};
      parts.loop = loop_.loop();
      parts.log = &log_;
      parts.ports = &ports_;
      parts.settings = &settings_;
      parts.finish = [this](int exit_code) { ended_.set_value(exit_code); };
      job_ = std::make_unique<HttpJob>(parts, PaddleMode::kCollective, std::move(master));
      job_->Start();
    });
  }
  void Put(const std::string& key, const std::string& value) {
    std::promise<absl::Status> done;
    loop_.Call([&] {
      client_->Put(key, value, [&done](const absl::Status& status) { done.set_value(status); });
    });
    const absl::Status status = done.get_future().get();
    EXPECT_TRUE(status.ok()) << status;
  }
  Keys Read(const std::string& prefix) {
    std::promise<Keys> keys;
    loop_.Call(
        [&] { client_->WithPrefix(prefix, [&keys](const Keys& read) { keys.set_value(read); }); });
    return keys.get_future().get();
  }

  LaunchLog log_{"CRITICAL"};
  PodSettings settings_ = TestPodSettings({"--nnodes=2", "--rank=0", "train.py"});
  PortCursor ports_ = TestPorts();
  LoopThread loop_;
  std::unique_ptr<KvClient> client_;
  std::unique_ptr<HttpJob> job_;
  std::promise<int> ended_;
};

TEST_F(HttpJobTest, ARefusedServerStaysUntilTheOtherNodeKnows) {
  Start();
  const std::string list = absl::StrCat("/", settings_.flags.job_id, "/info");
  const std::string states = absl::StrCat("/muster/", settings_.flags.job_id, "/");
  PaddleNode other = TestNode(1, 1);
  other.rank = 0;
  Put(absl::StrCat(list, "/", other.name, "/0"), other.ToJson());
  const std::string own_state = absl::StrCat(states, settings_.pod_name);
  std::string verdict;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (verdict.rfind("failed", 0) != 0 && std::chrono::steady_clock::now() < deadline) {
    const Keys keys = Read(states);
    ASSERT_TRUE(keys.ok()) << "the master is gone: " << keys.status();
    if (keys->count(own_state) > 0) verdict = keys->at(own_state);
  }
  EXPECT_THAT(verdict, HasSubstr("--rank 0 is taken by two nodes"));
  const Keys nodes = Read(list);
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  EXPECT_EQ(nodes->size(), 2U);
  std::future<int> ended = ended_.get_future();
  EXPECT_EQ(ended.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  Put(absl::StrCat(states, other.name), "failed 1 10.0.0.2 --rank 0 is taken by two nodes");
  ASSERT_EQ(ended.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(ended.get(), 1);
}

}  // namespace
}  // namespace muster

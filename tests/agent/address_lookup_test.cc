#include "agent/address_lookup.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/event_loop.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

constexpr std::chrono::seconds kPatience(20);

// A name server that is silent until it is let go.
class AddressLookupTest : public testing::Test {
 protected:
  AddressLookupTest() {
    thread_.Call(
        [this] { lookup_ = std::make_unique<AddressLookup>("head:7070", thread_.loop(), Look()); });
  }
  ~AddressLookupTest() override {
    if (!let_go_) release_.set_value();
    EXPECT_EQ(ended_.get_future().wait_for(kPatience), std::future_status::ready);
    thread_.Call([this] { lookup_.reset(); });
  }

  AddressLookup::Look Look() {
    return [this](const std::string& peer) -> absl::StatusOr<std::string> {
      released_.wait();
      if (--left_ == 0) ended_.set_value();
      return peer + "'s side";
    };
  }
  // As the daemon does it at each connect.
  void Begin() {
    thread_.Call([this] {
      if (asked_++ == 0) ++left_;
      lookup_->Begin([this](const absl::StatusOr<std::string>& address) {
        found_.set_value(address.value_or("nothing"));
      });
    });
  }
  void LetGo() {
    let_go_ = true;
    release_.set_value();
  }

  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
  std::promise<void> ended_;
  std::promise<std::string> found_;  // Can be set once: a second answer would throw.
  std::atomic<int> left_{0};
  int asked_ = 0;
  bool let_go_ = false;
  std::unique_ptr<AddressLookup> lookup_;
  // Never destroyed: as in msagentd, what is left of a lookup may still post to it.
  LoopThread& thread_ = Loop();

 private:
  static LoopThread& Loop() {
    static auto* const thread = new LoopThread(Clock::Real());
    return *thread;
  }
};

TEST_F(AddressLookupTest, TheLoopGoesOnWhileTheNameServerIsSilent) {
  Begin();
  bool ran = false;
  thread_.Call([&ran] { ran = true; });
  EXPECT_TRUE(ran);
  LetGo();
  std::future<std::string> found = found_.get_future();
  ASSERT_EQ(found.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(found.get(), "head:7070's side");
}

TEST_F(AddressLookupTest, OneLookupIsUnderWayAtATime) {
  Begin();
  Begin();
  Begin();
  LetGo();
  std::future<std::string> found = found_.get_future();
  EXPECT_EQ(found.wait_for(kPatience), std::future_status::ready);
}

TEST_F(AddressLookupTest, TheEndDoesNotWaitForIt) {
  Begin();
  thread_.Call([this] { lookup_.reset(); });
  LetGo();
}

}  // namespace
}  // namespace muster

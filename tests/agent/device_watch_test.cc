#include "agent/device_watch.h"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

constexpr absl::Duration kInterval = absl::Minutes(1);

v1::Device Gpu(bool healthy) {
  v1::Device device;
  device.set_kind("nvidia");
  device.set_healthy(healthy);
  return device;
}

// Answers each probe with the next of its answers, when the test lets it.
class ScriptedProbe final : public DeviceProbe {
 public:
  using Answer = absl::StatusOr<std::vector<v1::Device>>;
  ScriptedProbe(std::vector<Answer> answers, std::atomic<int>* allowed)
      : answers_(std::move(answers)), allowed_(allowed) {}
  Answer Probe() override {
    while (*allowed_ <= probes_) std::this_thread::yield();
    return answers_.at(probes_++);
  }

 private:
  const std::vector<Answer> answers_;
  std::atomic<int>* const allowed_;
  int probes_ = 0;
};

class DeviceWatchTest : public testing::Test {
 protected:
  void Watch(std::vector<ScriptedProbe::Answer> answers) {
    watch_ = std::make_unique<DeviceWatch>(
        std::make_unique<ScriptedProbe>(std::move(answers), &allowed_),
        std::vector<v1::Device>{Gpu(true)}, kInterval, &loop_,
        [this](const std::vector<v1::Device>& devices) { changes_.push_back(devices); });
  }
  // One interval, and the probe at its end.
  void Pass() {
    clock_.Advance(kInterval);
    loop_.RunDue();  // Begins the probe.
    ++allowed_;
    while (!loop_.RunDue()) std::this_thread::yield();
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  std::atomic<int> allowed_{0};
  std::vector<std::vector<v1::Device>> changes_;
  std::unique_ptr<DeviceWatch> watch_;
};

TEST_F(DeviceWatchTest, TellsOfADeviceThatFailsAndHeals) {
  Watch({{{Gpu(true)}}, {{Gpu(false)}}, {{Gpu(false)}}, {{Gpu(true)}}});
  Pass();
  EXPECT_TRUE(changes_.empty());
  Pass();
  ASSERT_EQ(changes_.size(), 1u);
  EXPECT_FALSE(changes_[0][0].healthy());
  Pass();
  EXPECT_EQ(changes_.size(), 1u);
  Pass();
  ASSERT_EQ(changes_.size(), 2u);
  EXPECT_TRUE(changes_[1][0].healthy());
}

TEST_F(DeviceWatchTest, WaitsForItsProbeAtTheEnd) {
  Watch({{{Gpu(false)}}});
  clock_.Advance(kInterval);
  loop_.RunDue();  // Begins the probe.
  ++allowed_;
  watch_.reset();
  loop_.RunDue();
  EXPECT_TRUE(changes_.empty()) << "nobody is there to be told";
}

TEST_F(DeviceWatchTest, KeepsWhatItKnowsWhenAProbeFails) {
  Watch({absl::UnavailableError("driver is being reloaded"), {{Gpu(true)}}});
  Pass();
  Pass();
  EXPECT_TRUE(changes_.empty());
}

}  // namespace
}  // namespace muster

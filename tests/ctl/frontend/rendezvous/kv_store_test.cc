#include "ctl/frontend/rendezvous/kv_store.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(KvStoreTest, FindsAllKeysThatStartWithAText) {
  FakeClock clock;
  KvStore store(&clock);
  store.Put("/a/1", "one");
  store.Put("/ab", "two");
  store.Put("/b", "three");
  EXPECT_THAT(store.WithPrefix("/a"), ElementsAre(Pair("/a/1", "one"), Pair("/ab", "two")));
  EXPECT_THAT(store.WithPrefix("/c"), IsEmpty());
}

TEST(KvStoreTest, SaysWhetherAKeyWasThere) {
  FakeClock clock;
  KvStore store(&clock);
  store.Put("/a", "one");
  EXPECT_TRUE(store.Erase("/a"));
  EXPECT_FALSE(store.Erase("/a"));
}

TEST(KvStoreTest, CountsItsBytes) {
  FakeClock clock;
  KvStore store(&clock);
  store.Put("/a", "one");
  store.Put("/a", "three");
  store.Put("/b", "");
  EXPECT_EQ(store.bytes(), 9U);
  store.Erase("/b");
  EXPECT_EQ(store.bytes(), 7U);
  clock.Advance(absl::Seconds(11));
  store.EraseStale("/", absl::Seconds(10));
  EXPECT_EQ(store.bytes(), 0U);
}

TEST(KvStoreTest, DropsKeysThatNobodyPutsAgain) {
  FakeClock clock;
  KvStore store(&clock);
  store.Put("/job/gone", "");
  store.Put("/job/here", "");
  store.Put("/other", "");
  clock.Advance(absl::Seconds(11));
  store.Put("/job/here", "");
  EXPECT_EQ(store.EraseStale("/job", absl::Seconds(10)), 1);
  EXPECT_THAT(store.WithPrefix("/"), ElementsAre(Pair("/job/here", ""), Pair("/other", "")));
}

}  // namespace
}  // namespace muster

#include "scheduler/election/past_terms.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_etcd.h"

namespace muster {
namespace {

constexpr char kKey[] = "/m/terms";
constexpr char kLeader[] = "/m/leader/1";
constexpr absl::Duration kDoubt = absl::Minutes(10);

v1::Term TermOf(int64_t epoch, const std::string& node_id) {
  v1::Term term;
  term.set_epoch(epoch);
  term.set_node_id(node_id);
  term.mutable_longest_doubt()->set_seconds(absl::ToInt64Seconds(kDoubt));
  return term;
}

class PastTermsTest : public testing::Test {
 protected:
  PastTermsTest() : client_(etcd_.Connect()) {
    etcd_.PutDirectly(kLeader, "b");
    succession_.node_id = "b";
    succession_.elected = clock_.Boot();
    succession_.stood = clock_.Boot() - absl::Hours(1);
    succession_.first_leader = 5;
  }
  void Before(std::initializer_list<v1::Term> terms) {
    v1::Terms record;
    for (const v1::Term& term : terms) *record.add_terms() = term;
    etcd_.PutDirectly(kKey, record.SerializeAsString());
  }
  std::unique_ptr<PastTerms> Enter() {
    PastTerms::Options options;
    options.key = kKey;
    options.leader_key = kLeader;
    options.epoch = etcd_.entries().at(kLeader).create_revision;
    options.longest_doubt = kDoubt;
    options.succession = succession_;
    auto past = std::make_unique<PastTerms>(options, &loop_, client_.get());
    past->Enter([this](const absl::Status& status) { entered_ = status; });
    Settle();
    return past;
  }
  void Settle() {
    while (loop_.RunDue()) {
    }
  }
  int Recorded() {
    v1::Terms terms;
    terms.ParseFromString(etcd_.entries().at(kKey).value);
    return terms.terms_size();
  }

  FakeClock clock_;
  EventLoop loop_{&clock_};
  FakeEtcd etcd_{&loop_};
  std::unique_ptr<Etcd> client_;
  Succession succession_;
  absl::Status entered_ = absl::UnknownError("not called");
};

TEST_F(PastTermsTest, TheFirstLeaderOfAClusterWaitsForNobody) {
  const auto past = Enter();
  EXPECT_TRUE(entered_.ok()) << entered_;
  EXPECT_EQ(past->SilentFrom(), succession_.elected);
  EXPECT_EQ(Recorded(), 1);
}

TEST_F(PastTermsTest, ALeaderThatKnewTheCandidateGoesNoFurtherThanItsPledge) {
  Before({TermOf(9, "a")});  // Began after the candidate had stood.
  succession_.pledged_until = succession_.elected + absl::Seconds(5);
  EXPECT_EQ(Enter()->SilentFrom(), succession_.pledged_until);
}

TEST_F(PastTermsTest, ALeaderThatAnsweredTheCandidateKnowsIt) {
  succession_.first_leader = 9;
  succession_.stood = succession_.elected - absl::Seconds(10);
  succession_.answered[9] = succession_.stood;
  EXPECT_EQ(SilentFrom(TermOf(9, "a"), succession_), succession_.elected);
}

TEST_F(PastTermsTest, OneThatMayNotKnowItMayDoubtForLong) {
  succession_.first_leader = 9;
  succession_.stood = succession_.elected - absl::Seconds(10);
  succession_.answered[9] = succession_.stood - absl::Seconds(1);
  EXPECT_GT(SilentFrom(TermOf(9, "a"), succession_), succession_.stood + kDoubt);
}

TEST_F(PastTermsTest, ALeaderWhoseAgentObeysIsOverFromThenOn) {
  Before({TermOf(9, "a")});
  succession_.pledged_until = succession_.elected + absl::Seconds(5);
  const auto past = Enter();
  clock_.Advance(absl::Seconds(1));
  past->OnNode("a");
  EXPECT_EQ(past->SilentFrom(), clock_.Boot());  // It may have renewed until now.
  Settle();
  EXPECT_EQ(Recorded(), 1);
}

TEST_F(PastTermsTest, TheRecordForgetsALeaderWhenItsTimeIsOver) {
  Before({TermOf(9, "a")});
  succession_.pledged_until = succession_.elected + absl::Seconds(5);
  const auto past = Enter();
  EXPECT_EQ(Recorded(), 2);
  clock_.Advance(absl::Seconds(5));
  Settle();
  EXPECT_EQ(Recorded(), 1);
}

TEST_F(PastTermsTest, ALeaderThatIsOneNoLongerEntersNothing) {
  const auto past = Enter();
  PastTerms::Options options;
  options.key = kKey;
  options.leader_key = kLeader;
  options.epoch = 1;  // Of a key that is gone.
  options.succession = succession_;
  PastTerms stale(options, &loop_, client_.get());
  stale.Enter([this](const absl::Status& status) { entered_ = status; });
  Settle();
  EXPECT_EQ(entered_.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(stale.SilentFrom(), absl::InfiniteDuration());
}

}  // namespace
}  // namespace muster

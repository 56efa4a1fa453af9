#include "scheduler/election/pledge_book.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/fakes/fake_clock.h"

namespace muster {
namespace {

constexpr absl::Duration kLength = absl::Seconds(8);

class PledgeBookTest : public testing::Test {
 protected:
  PledgeBookTest() : book_(Options(), &clock_) {}

  PledgeBook::Options Options() {
    PledgeBook::Options options;
    options.self = "a";
    options.length = kLength;
    options.on_node = [this](const std::string& id) { beaten_.push_back(id); };
    return options;
  }
  void List(const std::vector<std::string>& ids) {
    std::vector<v1::Candidate> candidates;
    for (const std::string& id : ids) candidates.emplace_back().set_node_id(id);
    book_.OnCandidates(clock_.Boot(), candidates);
  }
  void Hello(const std::string& id, uint64_t session) {
    book_.OnHello(id, /*candidate=*/true, session);
    book_.OnAnswer(id, session, 1);
  }
  void Beat(const std::string& id, uint64_t session, int64_t number, int64_t pledged) {
    book_.OnBeat(id, session, pledged);
    book_.OnAnswer(id, session, number + 1);
  }

  FakeClock clock_;
  std::vector<std::string> beaten_;
  PledgeBook book_;
};

TEST_F(PledgeBookTest, KnowsNobodyBeforeItHasReadWhoStands) {
  EXPECT_FALSE(book_.AllPledged());
  List({"a"});
  EXPECT_TRUE(book_.AllPledged());  // The leader alone.
}

TEST_F(PledgeBookTest, APledgeCountsOnceItsAnswerIsNamed) {
  List({"a", "b"});
  Hello("b", 7);
  EXPECT_FALSE(book_.AllPledged());
  Beat("b", 7, 1, 1);
  EXPECT_TRUE(book_.AllPledged());
  EXPECT_EQ(beaten_, std::vector<std::string>{"b"});
}

TEST_F(PledgeBookTest, APledgeCountsFromWhenTheAnswerWasSentHoweverLateItIsNamed) {
  List({"a", "b"});
  Hello("b", 7);
  clock_.Advance(kLength - absl::Seconds(1));
  Beat("b", 7, 1, 1);
  EXPECT_TRUE(book_.AllPledged());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(book_.AllPledged());
  Beat("b", 7, 2, 2);
  EXPECT_TRUE(book_.AllPledged());
}

TEST_F(PledgeBookTest, AnAnswerThatWasNeverSentIsWorthNothing) {
  List({"a", "b"});
  Hello("b", 7);
  Beat("b", 7, 1, 5);
  EXPECT_FALSE(book_.AllPledged());
}

TEST_F(PledgeBookTest, ABeatOfAnOlderStreamIsWorthNothing) {
  List({"a", "b"});
  Hello("b", 7);
  Hello("b", 8);
  Beat("b", 7, 1, 1);
  EXPECT_FALSE(book_.AllPledged());
}

TEST_F(PledgeBookTest, AnAgentThatIsNoCandidateNeedsNoPledge) {
  List({"a"});
  book_.OnHello("w", /*candidate=*/false, 7);
  EXPECT_TRUE(book_.AllPledged());
}

TEST_F(PledgeBookTest, ACandidateThatIsHeardCountsThoughItDoesNotStandYet) {
  List({"a"});
  Hello("b", 7);
  EXPECT_FALSE(book_.AllPledged());
}

TEST_F(PledgeBookTest, ACandidateThatNeitherStandsNorIsHeardIsForgottenUntilItBeats) {
  List({"a", "b"});
  Hello("b", 7);
  clock_.Advance(absl::Seconds(1));
  List({"a"});
  EXPECT_TRUE(book_.AllPledged());
  clock_.Advance(kLength);
  Beat("b", 7, 1, 0);
  EXPECT_FALSE(book_.AllPledged());
}

TEST_F(PledgeBookTest, AReadThatWasSentBeforeTheLastBeatForgetsNobody) {
  Hello("b", 7);
  clock_.Advance(absl::Seconds(1));
  const absl::Duration sent = clock_.Boot();
  clock_.Advance(absl::Seconds(1));
  Beat("b", 7, 1, 0);
  book_.OnCandidates(sent, {});
  EXPECT_FALSE(book_.AllPledged());
}

TEST_F(PledgeBookTest, ACandidateThatCannotBeReadMayBeAnybody) {
  List({"a", ""});
  EXPECT_FALSE(book_.AllPledged());
}

}  // namespace
}  // namespace muster

#include "common/job/constraint.h"

#include <gtest/gtest.h>

#include <string>

namespace muster {
namespace {

using Labels = google::protobuf::Map<std::string, std::string>;

bool Holds(const std::string& text, const Labels& labels) {
  const absl::StatusOr<Constraint> constraint = ParseConstraint(text);
  EXPECT_TRUE(constraint.ok()) << text << ": " << constraint.status();
  return constraint.ok() && Fulfils(labels, *constraint);
}

TEST(ConstraintTest, ComparesAHostsLabels) {
  Labels labels;
  labels["gpu"] = "a100";
  EXPECT_TRUE(Holds("gpu==a100", labels));
  EXPECT_TRUE(Holds("gpu == a100", labels));
  EXPECT_FALSE(Holds("gpu==h100", labels));
  EXPECT_FALSE(Holds("gpu!=a100", labels));
  EXPECT_TRUE(Holds("gpu!=h100", labels));
  EXPECT_TRUE(Holds("gpu", labels));
  EXPECT_FALSE(Holds("!gpu", labels));
  EXPECT_FALSE(Holds("zone", labels));
  EXPECT_TRUE(Holds("!zone", labels));
  EXPECT_FALSE(Holds("zone==", labels));
  EXPECT_TRUE(Holds("zone!=b", labels));
}

TEST(ConstraintTest, RefusesWhatIsNoConstraint) {
  for (const char* bad : {"", "!", "a=b", "==b", "a b", "a>1", "-a"}) {
    EXPECT_FALSE(ParseConstraint(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace muster

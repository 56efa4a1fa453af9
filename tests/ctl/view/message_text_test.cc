#include "ctl/view/message_text.h"

#include "gtest/gtest.h"
#include "muster/v1/job.pb.h"

namespace muster {
namespace {

v1::Job Sample() {
  v1::Job job;
  job.set_id("digits-1a2b3c");
  job.mutable_spec()->set_ranks_per_node(4);
  job.mutable_spec()->add_command("python3");
  job.mutable_spec()->add_command("a: b");
  (*job.mutable_spec()->mutable_env())["YES"] = "true";
  job.mutable_status()->add_attempts()->mutable_first_cause()->set_rank(2);
  return job;
}

TEST(MessageTextTest, JsonKeepsTheNamesOfTheProto) {
  EXPECT_EQ(MessageJsonLine(Sample()),
            "{\"id\":\"digits-1a2b3c\",\"spec\":{\"ranks_per_node\":4,\"command\":[\"python3\","
            "\"a: b\"],\"env\":{\"YES\":\"true\"}},\"status\":{\"attempts\":[{\"first_cause\":{"
            "\"rank\":2}}]}}");
}

TEST(MessageTextTest, YamlSaysTheSame) {
  EXPECT_EQ(JsonToYaml(MessageJson(Sample())),
            "id: digits-1a2b3c\n"
            "spec:\n"
            "  ranks_per_node: 4\n"
            "  command:\n"
            "    - python3\n"
            "    - \"a: b\"\n"
            "  env:\n"
            "    \"YES\": \"true\"\n"
            "status:\n"
            "  attempts:\n"
            "    - first_cause:\n"
            "        rank: 2\n");
}

TEST(MessageTextTest, EmptyOnesStayFlow) {
  EXPECT_EQ(JsonToYaml("{}"), "{}\n");
  EXPECT_EQ(JsonToYaml("{\"a\": [], \"b\": {}}"), "a: []\nb: {}\n");
}

TEST(MessageTextTest, QuotesWhatYamlWouldReadAsSomethingElse) {
  EXPECT_EQ(JsonToYaml("{\"a\":\"1\",\"b\":\"no\",\"c\":\"\",\"d\":\"-x\",\"e\":\"a\\\"b\"}"),
            "a: \"1\"\nb: \"no\"\nc: \"\"\nd: \"-x\"\ne: \"a\\\"b\"\n");
}

}  // namespace
}  // namespace muster

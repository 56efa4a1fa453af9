#include "ctl/frontend/msrun/msrun_spec.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace muster {
namespace {

using Words = std::vector<std::string>;

FrontendCall Call(Words words) {
  FrontendCall call;
  call.words = std::move(words);
  call.current_dir = "/work";
  return call;
}

TEST(MatchMsrunTest, KnowsTheProgramAndTheModule) {
  EXPECT_EQ(MatchMsrun({"msrun", "--join=True", "x"}), (Words{"--join=True", "x"}));
  EXPECT_EQ(MatchMsrun({"/opt/bin/msrun", "x"}), Words{"x"});
  EXPECT_EQ(MatchMsrun({"python3.9", "-u", "-m", "mindspore.parallel.cluster.run", "x"}),
            Words{"x"});
  for (const Words& other : std::vector<Words>{{},
                                               {"python", "msrun"},
                                               {"python", "-m"},
                                               {"python", "-m", "mindspore"},
                                               {"pythonic", "-m", "mindspore.parallel.cluster.run"},
                                               {"train.py"}}) {
    EXPECT_EQ(MatchMsrun(other), std::nullopt);
  }
}

TEST(MsrunToJobTest, TwoHostsOfFour) {
  const FrontendJob job =
      MsrunToJob(Call({"--worker_num=8", "--local_worker_num=4", "--master_port=9000",
                       "--log_dir=logs", "--join=True", "--tail_worker_log=7",
                       "--cluster_time_out=300", "net.py", "--lr", "1"}))
          .value();
  EXPECT_EQ(job.spec.contract(), "mindspore");
  EXPECT_EQ(job.spec.nodes().min(), 2);
  EXPECT_EQ(job.spec.nodes().max(), 2);
  ASSERT_EQ(job.spec.roles_size(), 1);
  EXPECT_EQ(job.spec.roles(0).per_node(), 4);
  EXPECT_EQ(Words(job.spec.command().begin(), job.spec.command().end()),
            (Words{"python", "net.py", "--lr", "1"}));
  EXPECT_EQ(job.spec.mindspore().sched_port(), 9000);
  EXPECT_EQ(job.spec.mindspore().cluster_timeout().seconds(), 300);
  EXPECT_EQ(job.spec.logs().dir(), "logs");
  EXPECT_EQ(job.spec.workdir(), "/work");
  EXPECT_EQ(job.shown_ranks, std::vector<int>{7});
  EXPECT_TRUE(job.notes.empty());
}

TEST(MsrunToJobTest, UnevenWorkersAreCounted) {
  const FrontendJob job =
      MsrunToJob(Call({"--worker_num=6", "--local_worker_num=4", "net.py"})).value();
  EXPECT_EQ(job.spec.nodes().min(), 2);
  EXPECT_EQ(job.spec.roles(0).count(), 6);
  EXPECT_EQ(job.notes,
            Words{"msrun itself would not wait without --join=True; msctl run always does"});
  EXPECT_EQ(job.shown_ranks, std::nullopt);
}

TEST(MsrunToJobTest, IsNamedAfterTheScript) {
  EXPECT_EQ(MsrunToJob(Call({"dir/Net_v2.py"}))->spec.name(), "net-v2-py");
  EXPECT_EQ(MsrunToJob(Call({"python3", "-u", "net.py", "x"}))->spec.name(), "net-py");
  EXPECT_EQ(MsrunToJob(Call({"pytest", "-s", "test_net.py"}))->spec.name(), "test-net-py");
  EXPECT_EQ(MsrunToJob(Call({"python"}))->spec.name(), "python");
}

TEST(MsrunToJobTest, DryRunOfOneRank) {
  const FrontendJob job =
      MsrunToJob(Call({"--worker_num=64", "--sim_level=1", "--sim_rank_id=3", "net.py"})).value();
  EXPECT_EQ(job.spec.mindspore().sim_level(), 1);
  EXPECT_EQ(job.spec.mindspore().sim_rank_id(), 3);
  EXPECT_EQ(job.spec.mindspore().sim_worker_num(), 64);
}

TEST(MsrunToJobTest, RefusesWhatMsrunRefuses) {
  EXPECT_FALSE(MsrunToJob(Call({"--worker_num=abc", "x"})).ok());
  EXPECT_FALSE(MsrunToJob(Call({"--worker_num=0", "x"})).ok());
  EXPECT_FALSE(MsrunToJob(Call({"--worker_num=2", "x"})).ok());
}

}  // namespace
}  // namespace muster

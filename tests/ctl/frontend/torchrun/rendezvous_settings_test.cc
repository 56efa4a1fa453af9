#include "ctl/frontend/torchrun/rendezvous_settings.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

absl::StatusOr<RendezvousSettings> Settings(std::vector<std::string> words) {
  words.push_back("t.py");
  const TorchrunParse parse = ParseTorchrun("torchrun", words, {});
  if (parse.exit_status) return absl::InvalidArgumentError(parse.text);
  return MakeRendezvousSettings(parse.options);
}

TEST(RendezvousSettingsTest, AStaticJobMeetsAtItsMaster) {
  const auto settings = Settings({"--nnodes=1:2", "--node_rank=1", "--master_addr=node-0"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_TRUE(settings->is_static);
  EXPECT_EQ(settings->host, "node-0");
  EXPECT_EQ(settings->port, 29500);
  EXPECT_EQ(settings->node_rank, 1);
  EXPECT_EQ(settings->is_leader, false);
  EXPECT_EQ(settings->min_nodes, 2) << "as the original: a static job has all nodes";
  EXPECT_EQ(settings->join_timeout, absl::Seconds(900));
}

TEST(RendezvousSettingsTest, TheEndpointOfAStaticJobCountsBeforeItsMaster) {
  const auto settings = Settings({"--rdzv_endpoint=[::1]:400", "--master_port=3"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->host, "::1");
  EXPECT_EQ(settings->port, 400);
  EXPECT_EQ(settings->is_leader, true);
}

TEST(RendezvousSettingsTest, AnElasticJobHasItsOwnDefaults) {
  const auto settings =
      Settings({"--nnodes=1:4", "--rdzv_backend=c10d", "--rdzv_id=j", "--rdzv_endpoint=h"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_FALSE(settings->is_static);
  EXPECT_EQ(settings->host, "h");
  EXPECT_EQ(settings->port, 29400);
  EXPECT_EQ(settings->min_nodes, 1);
  EXPECT_EQ(settings->max_nodes, 4);
  EXPECT_FALSE(settings->is_leader);
  EXPECT_EQ(settings->join_timeout, absl::Seconds(600));
  EXPECT_EQ(settings->last_call_timeout, absl::Seconds(30));
}

TEST(RendezvousSettingsTest, ConfSetsTimeoutsAndTheHost) {
  const auto settings =
      Settings({"--nnodes=2", "--rdzv_backend=c10d", "--rdzv_endpoint=h:1",
                "--rdzv_conf=join_timeout=7,last_call_timeout=2,is_host=True,other=x"});
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->join_timeout, absl::Seconds(7));
  EXPECT_EQ(settings->last_call_timeout, absl::Seconds(2));
  EXPECT_EQ(settings->is_leader, true);
}

TEST(RendezvousSettingsTest, StandaloneIsAlwaysAnother) {
  const auto one = Settings({"--standalone", "--nnodes=1:4", "--rdzv_id=x"});
  const auto two = Settings({"--standalone"});
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_TRUE(one->single());
  EXPECT_NE(one->run_id, two->run_id);
  EXPECT_NE(one->run_id, "x");
}

TEST(RendezvousSettingsTest, RefusesWhatCannotWork) {
  const struct {
    std::vector<std::string> words;
    const char* message;
  } kCases[] = {
      {{"--rdzv_backend=etcd-v2"},
       "--rdzv_backend=etcd-v2: this torchrun meets without etcd; use --rdzv_backend=c10d with "
       "--rdzv_endpoint=HOST:PORT of one of the job's hosts"},
      {{"--rdzv_backend=zeus"}, "--rdzv_backend=zeus: is neither static nor c10d"},
      {{"--node_rank=1"}, "--node_rank=1: with --nnodes=1 it is 0 to 0"},
      {{"--nnodes=2", "--node_rank=-1"}, "--node_rank=-1: with --nnodes=2 it is 0 to 1"},
      {{"--rdzv_endpoint=host"}, "port is missing in endpoint: host. Try to specify --master_port"},
      {{"--rdzv_endpoint=h:99999"},
       "The port number of the rendezvous endpoint 'h:99999' must be an integer between 0 and "
       "65536."},
      {{"--rdzv_endpoint=a b:1"},
       "The hostname of the rendezvous endpoint 'a b:1' must be a dot-separated list of labels, "
       "an IPv4 address, or an IPv6 address."},
      {{"--rdzv_conf=timeout=soon"},
       "The rendezvous configuration option 'timeout' does not represent a valid integer value."},
      {{"--rdzv_backend=c10d", "--rdzv_conf=join_timeout=0"},
       "--rdzv_conf: join_timeout=0 must be positive"},
      {{"--rdzv_backend=c10d", "--rdzv_conf=is_host=maybe"},
       "The rendezvous configuration option 'is_host' does not represent a valid boolean value."},
      {{"--rdzv_backend=c10d", "--rdzv_conf=store_type=file"},
       "--rdzv_conf: store_type=file: nodes meet over TCP; leave it out"},
      {{"--rdzv_id=a/b"},
       "--rdzv_id='a/b': begins the name of the log directory, so it must not be empty and must "
       "not contain '/'"},
      {{"--nnodes=2", "--rdzv_backend=c10d", "--rdzv_endpoint=h:0"},
       "--rdzv_endpoint: port 0 leaves the other nodes without a place to meet"},
  };
  for (const auto& test : kCases) {
    const auto settings = Settings(test.words);
    EXPECT_EQ(settings.status().message(), test.message);
  }
}

TEST(EndpointTest, TakesNamesAndBothKindsOfAddresses) {
  EXPECT_EQ(ParseEndpoint("", 5)->host, "localhost");
  EXPECT_EQ(ParseEndpoint("h-1.x:80", 5)->port, 80);
  EXPECT_EQ(ParseEndpoint("[fe80::1]", 5)->host, "fe80::1");
  EXPECT_EQ(ParseEndpoint("[fe80::1]", 5)->port, 5);
  EXPECT_EQ(ParseEndpoint(" h ", 5)->host, "h");
}

}  // namespace
}  // namespace muster

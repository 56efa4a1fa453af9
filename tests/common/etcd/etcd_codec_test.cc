#include "common/etcd/etcd_codec.h"

#include "gtest/gtest.h"

namespace muster {
namespace {

TEST(EtcdCodecTest, EndsAPrefixAfterItsLastKey) {
  EXPECT_EQ(EtcdPrefixEnd("/a"), "/b");
  EXPECT_EQ(EtcdPrefixEnd("a\xff"), "b");
  EXPECT_EQ(EtcdPrefixEnd("\xff\xff"), std::string(1, '\0'));
  EXPECT_EQ(EtcdPrefixEnd(""), std::string(1, '\0'));
}

TEST(EtcdCodecTest, AsksForOneKeyOrAPrefix) {
  EXPECT_EQ(RangeRequestFor("/a", false).range_end(), "");
  EXPECT_EQ(RangeRequestFor("/a", true).range_end(), "/b");
  EXPECT_EQ(RangeRequestFor("", true).key(), std::string(1, '\0'));
}

// On the wire a message of etcd's: field 1 is a length-delimited key, and so on.
TEST(EtcdCodecTest, WritesEtcdsFieldNumbers) {
  etcdserverpb::PutRequest put;
  put.set_key("k");
  put.set_value("v");
  put.set_lease(5);
  EXPECT_EQ(put.SerializeAsString(), std::string("\x0a\x01k\x12\x01v\x18\x05", 8));
}

}  // namespace
}  // namespace muster

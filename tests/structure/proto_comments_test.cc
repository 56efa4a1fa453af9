// Every message, field, enum value and method of muster.v1 says what it is: `msctl explain` and the
// API's reference show these comments.
#include <stdlib.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::SourceLocation;

// Collects what has no comment of its own, before it or behind it on its line.
class CommentCheck {
 public:
  void File(const FileDescriptor& file) {
    for (int i = 0; i < file.message_type_count(); ++i) Message(*file.message_type(i));
    for (int i = 0; i < file.enum_type_count(); ++i) Enum(*file.enum_type(i));
    for (int i = 0; i < file.service_count(); ++i) {
      Demand(*file.service(i));
      for (int j = 0; j < file.service(i)->method_count(); ++j) Demand(*file.service(i)->method(j));
    }
  }
  const std::vector<std::string>& missing() const { return missing_; }

 private:
  template <typename Element>
  void Demand(const Element& element) {
    SourceLocation location;
    if (!element.GetSourceLocation(&location) ||
        (location.leading_comments.empty() && location.trailing_comments.empty())) {
      missing_.push_back(element.full_name());
    }
  }
  void Message(const Descriptor& message) {
    if (message.options().map_entry()) return;
    // A request or response is explained by its method.
    const absl::string_view name = message.name();
    if (!absl::EndsWith(name, "Request") && !absl::EndsWith(name, "Response")) Demand(message);
    for (int i = 0; i < message.field_count(); ++i) Demand(*message.field(i));
    for (int i = 0; i < message.nested_type_count(); ++i) Message(*message.nested_type(i));
    for (int i = 0; i < message.enum_type_count(); ++i) Enum(*message.enum_type(i));
  }
  void Enum(const EnumDescriptor& enumeration) {
    Demand(enumeration);
    for (int i = 0; i < enumeration.value_count(); ++i) {
      // Zero means "not said", everywhere.
      if (enumeration.value(i)->number() != 0) Demand(*enumeration.value(i));
    }
  }

  std::vector<std::string> missing_;
};

TEST(ProtoCommentsTest, EveryElementOfTheApiSaysWhatItIs) {
  const std::string path =
      absl::StrCat(getenv("TEST_SRCDIR"), "/", getenv("TEST_WORKSPACE"), "/proto/muster_v1.pb");
  std::ifstream bytes(path, std::ios::binary);
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromIstream(&bytes)) << path;
  DescriptorPool pool;
  CommentCheck check;
  int files = 0;
  for (const auto& file : set.file()) {
    const FileDescriptor* const built = pool.BuildFile(file);
    ASSERT_NE(built, nullptr) << file.name();
    if (!absl::StartsWith(file.name(), "muster/")) continue;
    check.File(*built);
    ++files;
  }
  EXPECT_GT(files, 5);
  EXPECT_TRUE(check.missing().empty()) << check.missing().size() << " without a comment:\n"
                                       << absl::StrJoin(check.missing(), "\n");
}

}  // namespace
}  // namespace muster

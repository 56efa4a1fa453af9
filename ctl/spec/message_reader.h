#ifndef MUSTER_CTL_SPEC_MESSAGE_READER_H_
#define MUSTER_CTL_SPEC_MESSAGE_READER_H_

#include <map>
#include <string>
#include <vector>

#include "ctl/spec/source_excerpt.h"
#include "ctl/spec/yaml_value.h"
#include "google/protobuf/message.h"

namespace muster {

// Fills a message from YAML by its descriptor: field names are keys, nothing else is known of the
// message but a few shorthands of JobSpec (`nodes: 4`, `success: rank 0`). Goes on after a fault,
// so that one run finds all. Short-lived.
class MessageReader {
 public:
  // `root` is the message's name in paths: "job" makes `job.restart.scope`.
  explicit MessageReader(std::string root) : root_(std::move(root)) {}

  void Read(const YamlValue& value, google::protobuf::Message* message);

  const std::vector<SourceFault>& faults() const { return faults_; }

  // Where the field of that path was written: its value, or the key of a list or map; for one that
  // is absent, its nearest ancestor that is there.
  SourcePlace PlaceOf(std::string path) const;
  // Whether the field of that path itself was written.
  bool IsWritten(const std::string& path) const { return places_.count(path) > 0; }

 private:
  using Field = google::protobuf::FieldDescriptor;
  using Message = google::protobuf::Message;

  // A value on its way into a field.
  struct Item {
    const YamlValue* value;
    const Field* field;
    std::string path;  // `job.roles[1].count`
  };

  void ReadMap(const YamlValue& value, const std::string& path, Message* message);
  void ReadField(const Item& item, Message* message);
  void ReadList(const Item& item, Message* message);
  void AddInt32(const Item& item, Message* message);
  void ReadStringMap(const Item& item, Message* message);
  void ReadMessage(const Item& item, Message* message);
  void ReadDuration(const Item& item, Message* message);
  void ReadScalar(const Item& item, Message* message);
  void ReadInt32(const Item& item, Message* message);
  void ReadInt64(const Item& item, Message* message);
  void ReadBool(const Item& item, Message* message);
  void ReadEnum(const Item& item, Message* message);
  bool ReadShorthand(const Item& item, Message* message);
  void ReadSuccess(const Item& item, Message* message);
  void ReadNodes(const Item& item, Message* message);

  // Refuses a second member of a oneof.
  bool CheckOneof(const YamlEntry& entry, const Field* field, const Message& message);
  void UnknownField(const YamlEntry& entry, const std::string& path, const Message& message);
  void WrongKind(const Item& item, const std::string& expected, const std::string& help);
  void BadValue(const Item& item, const std::string& expected, const std::string& help);
  void Fault(const SourcePlace& place, std::string message, std::string help);

  const std::string root_;
  std::vector<SourceFault> faults_;
  std::map<std::string, SourcePlace> places_;
};

}  // namespace muster

#endif  // MUSTER_CTL_SPEC_MESSAGE_READER_H_

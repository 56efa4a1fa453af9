#include "ctl/frontend/torchrun/messages.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

// The first line of every message: what it is, and by which version of these rules.
constexpr char kNodeMark[] = "muster-torchrun-node 1";
constexpr char kLeaderMark[] = "muster-torchrun-leader 1";

// Both directions of one field list: each message has one list of its fields, below.
class Writer {
 public:
  explicit Writer(const char* mark) : bytes_(absl::StrCat(mark, "\n")) {}
  void Field(const char* name, const std::string& value) {
    absl::StrAppend(&bytes_, name, "=", absl::CEscape(value), "\n");
  }
  void Field(const char* name, int64_t value) { Field(name, absl::StrCat(value)); }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  Reader(const char* mark, absl::string_view bytes) {
    const std::vector<absl::string_view> lines = absl::StrSplit(bytes, '\n');
    ok_ = lines.front() == mark;
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::pair<absl::string_view, absl::string_view> halves =
          absl::StrSplit(lines[i], absl::MaxSplits('=', 1));
      std::string value;
      if (!absl::CUnescape(halves.second, &value)) ok_ = false;
      values_[std::string(halves.first)] = std::move(value);
    }
  }
  // A field that is not there stays as it is: later versions may leave some out.
  void Field(const char* name, std::string& value) {
    if (const auto found = values_.find(name); found != values_.end()) value = found->second;
  }
  void Field(const char* name, int64_t& value) {
    const auto found = values_.find(name);
    if (found != values_.end() && !absl::SimpleAtoi(found->second, &value)) ok_ = false;
  }
  void Field(const char* name, int& value) {
    const auto found = values_.find(name);
    if (found != values_.end() && !absl::SimpleAtoi(found->second, &value)) ok_ = false;
  }
  void Field(const char* name, bool& value) {
    int number = value ? 1 : 0;
    Field(name, number);
    value = number != 0;
  }
  bool ok() const { return ok_; }

 private:
  bool ok_ = true;
  std::map<std::string, std::string> values_;
};

template <typename Codec, typename Facts>
void FactsFields(Codec* codec, Facts* facts) {
  codec->Field("run_id", facts->run_id);
  codec->Field("backend", facts->backend);
  codec->Field("min_nodes", facts->min_nodes);
  codec->Field("max_nodes", facts->max_nodes);
  codec->Field("node_rank", facts->node_rank);
  codec->Field("nproc", facts->nproc);
  codec->Field("role", facts->role);
  codec->Field("host", facts->host);
}

template <typename Codec, typename Place>
void PlaceFields(Codec* codec, Place* place) {
  codec->Field("restart_count", place->restart_count);
  codec->Field("group_rank", place->group_rank);
  codec->Field("group_world_size", place->group_world_size);
  codec->Field("first_rank", place->first_rank);
  codec->Field("world_size", place->world_size);
  codec->Field("first_role_rank", place->first_role_rank);
  codec->Field("role_world_size", place->role_world_size);
  codec->Field("master_addr", place->master_addr);
  codec->Field("master_port", place->master_port);
}

template <typename Codec, typename Failure>
void FailureFields(Codec* codec, Failure* failure) {
  codec->Field("failed_rank", failure->rank);
  codec->Field("failed_local_rank", failure->local_rank);
  codec->Field("failed_exit_code", failure->exit_code);
  codec->Field("failed_pid", failure->pid);
  codec->Field("failed_time", failure->unix_time);
  codec->Field("failed_host", failure->host);
  codec->Field("failed_error_file", failure->error_file);
  codec->Field("failed_message", failure->message);
}

}  // namespace

std::string Encode(const NodeMessage& message) {
  Writer writer(kNodeMark);
  writer.Field("kind", static_cast<int>(message.kind));
  writer.Field("round", message.round);
  if (message.kind == NodeMessage::Kind::kHello) FactsFields(&writer, &message.facts);
  if (message.kind == NodeMessage::Kind::kFailed) FailureFields(&writer, &message.failure);
  if (!message.text.empty()) writer.Field("text", message.text);
  if (message.fatal) writer.Field("fatal", 1);
  return writer.Take();
}

std::string Encode(const LeaderMessage& message) {
  Writer writer(kLeaderMark);
  writer.Field("kind", static_cast<int>(message.kind));
  writer.Field("round", message.round);
  if (message.kind == LeaderMessage::Kind::kWorld) PlaceFields(&writer, &message.place);
  writer.Field("has_failure", message.failure.has_value() ? 1 : 0);
  if (message.failure) FailureFields(&writer, &*message.failure);
  if (!message.text.empty()) writer.Field("text", message.text);
  writer.Field("seconds", message.seconds);
  return writer.Take();
}

std::optional<NodeMessage> DecodeNodeMessage(absl::string_view bytes) {
  Reader reader(kNodeMark, bytes);
  NodeMessage message;
  int kind = -1;
  reader.Field("kind", kind);
  reader.Field("round", message.round);
  FactsFields(&reader, &message.facts);
  FailureFields(&reader, &message.failure);
  reader.Field("text", message.text);
  reader.Field("fatal", message.fatal);
  if (!reader.ok() || kind < 0 || kind > static_cast<int>(NodeMessage::Kind::kAlive)) {
    return std::nullopt;
  }
  message.kind = static_cast<NodeMessage::Kind>(kind);
  return message;
}

std::optional<LeaderMessage> DecodeLeaderMessage(absl::string_view bytes) {
  Reader reader(kLeaderMark, bytes);
  LeaderMessage message;
  int kind = -1;
  bool has_failure = false;
  reader.Field("kind", kind);
  reader.Field("round", message.round);
  PlaceFields(&reader, &message.place);
  reader.Field("has_failure", has_failure);
  if (has_failure) FailureFields(&reader, &message.failure.emplace());
  reader.Field("text", message.text);
  reader.Field("seconds", message.seconds);
  if (!reader.ok() || kind < 0 || kind > static_cast<int>(LeaderMessage::Kind::kAlive)) {
    return std::nullopt;
  }
  message.kind = static_cast<LeaderMessage::Kind>(kind);
  return message;
}

}  // namespace muster

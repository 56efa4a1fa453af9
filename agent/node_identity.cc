#include "agent/node_identity.h"

#include <unistd.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/task/sealed_file.h"
#include "agent/task/state_counter.h"
#include "common/base/fs.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/base/version.h"

namespace muster {
namespace {

constexpr int kIdDigits = 32;
constexpr size_t kMaxBytes = 4096;
constexpr char kIdKind[] = "node";
constexpr char kBootIdPath[] = "/proc/sys/kernel/random/boot_id";

// The id is a plain line, as every version reads it; its sum lies beside it.
absl::StatusOr<std::string> ReadOrMakeId(const std::string& path) {
  const std::string sum_path = absl::StrCat(path, ".sum");
  if (!PathExists(path)) {
    const std::string id = RandomHex(kIdDigits);
    MUSTER_RETURN_IF_ERROR(WriteFileDurably(sum_path, Seal(kIdKind, id)));
    MUSTER_RETURN_IF_ERROR(WriteFileDurably(path, absl::StrCat(id, "\n")));
    return id;
  }
  MUSTER_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxBytes));
  const std::string id(absl::StripAsciiWhitespace(text));
  const auto is_digit = [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); };
  std::string damage;
  if (id.size() != kIdDigits || !std::all_of(id.begin(), id.end(), is_digit)) {
    damage = "not a node id";
  } else if (!PathExists(sum_path)) {  // Of an earlier version.
    MUSTER_RETURN_IF_ERROR(WriteFileDurably(sum_path, Seal(kIdKind, id)));
  } else {
    MUSTER_ASSIGN_OR_RETURN(const std::string sealed, ReadFile(sum_path, kMaxBytes));
    const absl::StatusOr<std::string> sum = Unseal(kIdKind, sealed);
    if (!sum.ok() || *sum != id) damage = absl::StrCat("it is not what ", sum_path, " says");
  }
  if (damage.empty()) return id;
  return absl::DataLossError(absl::StrCat(path, ": damaged: ", damage,
                                          "; restore it, or remove both to join as a new node"));
}

int64_t MemoryBytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
}

}  // namespace

absl::StatusOr<NodeIdentity> BeginIncarnation(const std::string& state_dir) {
  NodeIdentity identity;
  MUSTER_ASSIGN_OR_RETURN(identity.id, ReadOrMakeId(JoinPath(state_dir, "node_id")));
  const std::string path = JoinPath(state_dir, "incarnation");
  MUSTER_ASSIGN_OR_RETURN(const int64_t before, ReadCounter(path));
  identity.incarnation = before + 1;
  MUSTER_RETURN_IF_ERROR(WriteCounter(path, identity.incarnation, /*durable=*/true));
  return identity;
}

v1::NodeInfo DescribeNode(const AgentOptions& options, const NodeIdentity& identity,
                          const std::string& agent_address, const std::vector<v1::Device>& devices,
                          int cpus) {
  v1::NodeInfo info;
  info.set_id(identity.id);
  info.set_name(options.name);
  info.set_incarnation(identity.incarnation);
  info.set_address(options.address);
  info.set_agent_address(agent_address);
  for (const v1::Device& device : devices) *info.add_devices() = device;
  for (const auto& [key, value] : options.labels) (*info.mutable_labels())[key] = value;
  info.set_cpus(cpus);
  info.set_memory_bytes(MemoryBytes());
  info.set_version(kVersion);
  const absl::StatusOr<std::string> boot_id = ReadFile(kBootIdPath, 64);
  if (boot_id.ok()) info.set_boot_id(std::string(absl::StripAsciiWhitespace(*boot_id)));
  return info;
}

}  // namespace muster

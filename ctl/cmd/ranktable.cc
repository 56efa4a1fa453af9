#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/device/hccn.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/cli/exit_code.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/hccl_request.h"
#include "ctl/cmd/session.h"
#include "ctl/view/words.h"
#include "launch/rank_table_merge.h"
#include "launch/rank_table_reader.h"

namespace muster {
namespace {

constexpr int kTableMode = 0644;

// This host's address as hccl_tools.py finds it: what its own name resolves to.
absl::StatusOr<std::string> AddressOfThisHost() {
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return ErrnoStatus(errno, "gethostname");
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  char address[NI_MAXHOST] = "";
  const int error = getaddrinfo(name, nullptr, &hints, &found);
  if (error == 0) {
    getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), nullptr, 0,
                NI_NUMERICHOST);
    freeaddrinfo(found);
  }
  if (address[0] != '\0') return std::string(address);
  return absl::NotFoundError(
      absl::StrCat("--server_ip: this host's name, ", name, ", does not resolve; say the address"));
}

absl::Status CheckServerId(const std::string& id) {
  if (!id.empty() && id.size() <= kMaxServerIdLength && !absl::StrContains(id, "/")) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("--server_ip '", id,
                                                 "': an address or a name of 1 to ",
                                                 kMaxServerIdLength, " characters is needed"));
}

absl::StatusOr<int> Generate(Session* session) {
  if (session->arguments().size() > 1) {
    return absl::InvalidArgumentError("ranktable generate: it takes no files; see --device-num");
  }
  MUSTER_ASSIGN_OR_RETURN(
      const HcclRequest request,
      ParseHcclRequest(session->flags().String("device_num", "[0,8)"),
                       session->flags().String("visible_devices", "0,1,2,3,4,5,6,7")));
  std::string server_id = session->flags().String("server_ip");
  if (!session->flags().Has("server_ip")) {
    MUSTER_ASSIGN_OR_RETURN(server_id, AddressOfThisHost());
  }
  MUSTER_RETURN_IF_ERROR(CheckServerId(server_id));
  if (absl::StartsWith(server_id, "127.") && !session->quiet()) {
    session->err()->Write(absl::StrCat("server_id is ", server_id,
                                       ", which means another host everywhere else; with several "
                                       "servers say --server-ip\n"));
  }
  MUSTER_ASSIGN_OR_RETURN(
      const RankTable table,
      MakeServerTable(request, server_id, DeviceAddresses(HccnOptions()).Read(request.device_ids)));
  const std::string text = WriteRankTable(table);
  MUSTER_RETURN_IF_ERROR(ParseRankTable(text).status());
  const std::string name = ServerTableName(request, server_id);
  MUSTER_RETURN_IF_ERROR(WriteFile(name, text, kTableMode));
  session->out()->Write(absl::StrCat(name, "\n"));
  return 0;
}

absl::StatusOr<int> Check(Session* session) {
  if (session->arguments().size() < 2) {
    return absl::InvalidArgumentError("ranktable check: name the tables to check");
  }
  int result = 0;
  for (size_t i = 1; i < session->arguments().size(); ++i) {
    const std::string& file = session->arguments()[i];
    MUSTER_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    const CheckedRankTable checked = ReadRankTable(text);
    for (const std::string& fault : checked.faults) {
      session->err()->Write(absl::StrCat(file, ": ", fault, "\n"));
    }
    if (!checked.faults.empty()) {
      result = ExitCodeFor(absl::InvalidArgumentError("faults"));
    } else if (!session->quiet()) {
      int devices = 0;
      for (const auto& server : checked.table.servers) {
        devices += static_cast<int>(server.devices.size());
      }
      session->out()->Write(
          absl::StrCat(file, ": ok: version ", checked.table.version, ", ",
                       Count(static_cast<int>(checked.table.servers.size()), "server"), ", ",
                       Count(devices, "device"), "\n"));
    }
  }
  return result;
}

absl::StatusOr<int> Merge(Session* session) {
  if (session->arguments().size() < 2) {
    return absl::InvalidArgumentError("ranktable merge: name the tables to merge, in rank order");
  }
  std::vector<std::pair<std::string, std::string>> texts;
  for (size_t i = 1; i < session->arguments().size(); ++i) {
    const std::string& file = session->arguments()[i];
    MUSTER_ASSIGN_OR_RETURN(std::string text, ReadFile(file));
    texts.emplace_back(file, std::move(text));
  }
  MUSTER_ASSIGN_OR_RETURN(const MergedRankTable merged, MergeRankTables(texts));
  const std::string name = MergedTableName(merged.servers, merged.devices);
  MUSTER_RETURN_IF_ERROR(WriteFile(name, merged.text, kTableMode));
  session->out()->Write(absl::StrCat(name, "\n"));
  return 0;
}

absl::StatusOr<int> RunRankTable(const Invocation& invocation) {
  Session session(invocation);
  const std::string& verb = invocation.arguments[0];
  const bool generate = verb == "generate";
  for (const char* flag : {"device_num", "visible_devices", "server_ip"}) {
    if (generate || !session.flags().Has(flag)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(ShownFlag(flag), " is for `ranktable generate`, not for `", verb, "`"));
  }
  if (generate) return Generate(&session);
  if (verb == "check") return Check(&session);
  if (verb == "merge") return Merge(&session);
  return absl::InvalidArgumentError(
      absl::StrCat("ranktable: there is no '", verb, "'; use generate, check or merge"));
}

}  // namespace

const Command& RankTableCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "ranktable";
    command->usage = "generate | check FILE… | merge FILE…";
    command->summary = "writes, checks and merges Ascend rank tables, without any agent";
    command->examples = {
        {"ranktable generate", "of this host's eight devices, like hccl_tools.py"},
        {"ranktable generate --device-num='[4,8)' --server-ip=10.0.0.1", "of four of them"},
        {"ranktable merge hccl_8p_01234567_10.0.0.1.json hccl_8p_01234567_10.0.0.2.json",
         "of all hosts, like merge_hccl.py"},
        {"ranktable check hccl_2s_16p.json", "every rule that it breaks"},
    };
    command->flags = {
        {"device_num", 0, FlagType::kString, "[A,B)",
         "which of the visible devices (default: [0,8))"},
        {"visible_devices", 0, FlagType::kString, "LIST",
         "numbers of the visible devices (default: 0,1,2,3,4,5,6,7)"},
        {"server_ip", 0, FlagType::kString, "ADDRESS",
         "the server's id (default: what this host's name resolves to)"},
        QuietFlag("prints faults alone"),
    };
    command->notes =
        "generate takes the devices' addresses from /etc/hccn.conf, else from hccn_tool, and "
        "writes\n"
        "hccl_8p_01234567_ADDRESS.json here; merge writes hccl_2s_16p.json, with ranks in the "
        "order\n"
        "of the files. A job of contract rank_table writes its own table, or checks yours\n"
        "(rank_table.file).";
    command->min_arguments = 1;
    command->run = RunRankTable;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster

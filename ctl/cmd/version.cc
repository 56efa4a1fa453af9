#include "common/base/version.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "ctl/client/address.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"
#include "ctl/view/message_text.h"

namespace muster {
namespace {

// (name, version) of every node; empty when no agent answers.
std::vector<std::pair<std::string, std::string>> AgentVersions(Session* session) {
  std::vector<std::pair<std::string, std::string>> versions;
  const absl::StatusOr<ApiClient*> api = session->Api();
  if (!api.ok()) return versions;
  const absl::StatusOr<v1::ListNodesResponse> nodes = (*api)->ListNodes();
  if (!nodes.ok()) return versions;
  for (const v1::Node& node : nodes->nodes()) {
    versions.emplace_back(node.info().name(), node.info().version());
  }
  return versions;
}

absl::StatusOr<int> Version(const Invocation& invocation) {
  Session session(invocation);
  std::vector<std::pair<std::string, std::string>> agents;
  if (!session.flags().Bool("client")) agents = AgentVersions(&session);
  if (session.format() == Format::kTable) {
    session.out()->Write(absl::StrCat("msctl ", kVersion, "\n"));
    for (const auto& [name, version] : agents) {
      session.out()->Write(absl::StrCat("agent ", version, " on ", name, "\n"));
    }
    return 0;
  }
  std::string json = absl::StrCat("{\n  \"client\": ", JsonQuote(kVersion), ",\n  \"agents\": {");
  for (size_t i = 0; i < agents.size(); ++i) {
    absl::StrAppend(&json, i == 0 ? "" : ", ", JsonQuote(agents[i].first), ": ",
                    JsonQuote(agents[i].second));
  }
  session.PrintJson(json + "}\n}\n");
  return 0;
}

}  // namespace

const Command& VersionCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "version";
    command->summary = "says which version this is, and which the agents are";
    command->examples = {{"version", "msctl's and the agents'"},
                         {"version --client", "without asking anybody"}};
    command->flags = {{"client", 0, FlagType::kBool, "", "msctl's alone"},
                      OutputFlag("table|json|yaml")};
    command->max_arguments = 0;
    command->run = Version;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster

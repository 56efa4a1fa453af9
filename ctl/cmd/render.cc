#include "launch/render.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "agent/base_env.h"
#include "common/base/status.h"
#include "ctl/client/log_selection.h"
#include "ctl/cmd/commands.h"
#include "ctl/cmd/session.h"
#include "ctl/spec/spec_loader.h"
#include "ctl/view/message_text.h"
#include "ctl/view/shell_quote.h"
#include "launch/sample_placement.h"

namespace muster {
namespace {

constexpr char kGangDir[] = "/run/muster/render";

struct Rendered {
  std::string node;
  v1::RankPlacement placement;
  RenderedRank rank;
};

absl::StatusOr<std::vector<Rendered>> RenderAll(const v1::JobSpec& spec,
                                                const LogSelection& selection) {
  MUSTER_ASSIGN_OR_RETURN(const v1::Placement placement, SamplePlacement(spec));
  MUSTER_ASSIGN_OR_RETURN(const std::string role, RoleOf(selection, spec));
  MUSTER_RETURN_IF_ERROR(CheckRanksExist(selection, role, placement));
  std::vector<Rendered> all;
  for (int i = 0; i < placement.nodes_size(); ++i) {
    std::set<std::pair<std::string, int>> wanted;
    for (const auto& rank : SelectRanks(selection, role, placement.nodes(i))) {
      wanted.emplace(rank.role, rank.rank);
    }
    for (const v1::RankPlacement& rank : placement.nodes(i).ranks()) {
      if (wanted.count({rank.role(), rank.rank()}) == 0) continue;
      LaunchContext context;
      context.spec = &spec;
      context.placement = &placement;
      context.node_rank = i;
      context.rank = &rank;
      context.job_id = absl::StrCat(spec.name(), "-000000");
      context.gang_dir = kGangDir;
      Rendered rendered;
      rendered.node = placement.nodes(i).node_name();
      rendered.placement = rank;
      MUSTER_ASSIGN_OR_RETURN(rendered.rank, RenderRank(context, BaseEnv()));
      all.push_back(std::move(rendered));
    }
  }
  return all;
}

// Without what every process has anyway.
std::string RankText(const Rendered& rendered, const std::map<std::string, std::string>& base) {
  std::string text =
      absl::StrCat(rendered.placement.role(), " ", rendered.placement.rank(), " on ", rendered.node,
                   "\n  command  ", ShellCommand(rendered.rank.argv), "\n");
  for (const auto& [name, value] : rendered.rank.env) {
    const auto inherited = base.find(name);
    if (inherited != base.end() && inherited->second == value) continue;
    absl::StrAppend(&text, "  env      ", name, "=", ShellQuote(value), "\n");
  }
  for (const LaunchFile& file : rendered.rank.files) {
    absl::StrAppendFormat(&text, "  file     %s (%o, %d bytes)\n", file.path, file.mode,
                          file.bytes.size());
  }
  if (!rendered.rank.logs.out.empty()) {
    absl::StrAppend(&text, "  logs     ", rendered.rank.logs.out);
    if (rendered.rank.logs.err != rendered.rank.logs.out) {
      absl::StrAppend(&text, ", ", rendered.rank.logs.err);
    }
    absl::StrAppend(&text, "\n");
  }
  for (const std::string& note : rendered.rank.notes) {
    absl::StrAppend(&text, "  note     ", note, "\n");
  }
  return text;
}

std::string JsonList(const std::vector<std::string>& words) {
  return absl::StrCat("[",
                      absl::StrJoin(words, ", ",
                                    [](std::string* out, const std::string& word) {
                                      absl::StrAppend(out, JsonQuote(word));
                                    }),
                      "]");
}

std::string RankJson(const Rendered& rendered) {
  std::vector<std::string> files;
  for (const LaunchFile& file : rendered.rank.files) {
    files.push_back(absl::StrCat("{\"path\": ", JsonQuote(file.path),
                                 ", \"mode\": ", JsonQuote(absl::StrFormat("%04o", file.mode)),
                                 ", \"text\": ", JsonQuote(file.bytes), "}"));
  }
  const std::string env =
      absl::StrJoin(rendered.rank.env, ",\n      ", [](std::string* out, const auto& entry) {
        absl::StrAppend(out, JsonQuote(entry.first), ": ", JsonQuote(entry.second));
      });
  return absl::StrCat(
      "  {\n    \"role\": ", JsonQuote(rendered.placement.role()),
      ",\n    \"rank\": ", rendered.placement.rank(), ",\n    \"node\": ", JsonQuote(rendered.node),
      ",\n    \"argv\": ", JsonList(rendered.rank.argv), ",\n    \"env\": {\n      ", env,
      "\n    },\n    \"files\": [", absl::StrJoin(files, ", "),
      "],\n    \"logs\": {\"out\": ", JsonQuote(rendered.rank.logs.out),
      ", \"err\": ", JsonQuote(rendered.rank.logs.err),
      "},\n    \"notes\": ", JsonList(rendered.rank.notes), "\n  }");
}

absl::StatusOr<int> Render(const Invocation& invocation) {
  Session session(invocation);
  LogSelection selection;
  if (session.flags().Has("rank")) {
    MUSTER_ASSIGN_OR_RETURN(selection.ranks, ParseRanks(session.flags().String("rank")));
  }
  selection.role = session.flags().String("role");
  MUSTER_ASSIGN_OR_RETURN(const v1::JobSpec spec, LoadJobFile(invocation.arguments[0]));
  MUSTER_ASSIGN_OR_RETURN(const std::vector<Rendered> ranks, RenderAll(spec, selection));
  if (session.format() == Format::kTable) {
    const std::map<std::string, std::string> base = BaseEnv();
    for (const Rendered& rank : ranks) session.out()->Write(RankText(rank, base));
    return 0;
  }
  std::vector<std::string> parts;
  for (const Rendered& rank : ranks) parts.push_back(RankJson(rank));
  session.PrintJson(absl::StrCat("{\"ranks\": [\n", absl::StrJoin(parts, ",\n"), "\n]}\n"));
  return 0;
}

}  // namespace

const Command& RenderCommand() {
  static const auto* const kCommand = [] {
    auto* command = new Command;
    command->name = "render";
    command->usage = "[--rank LIST] FILE";
    command->summary = "shows what each rank would get, without any agent";
    command->examples = {
        {"render job.yaml", "command, environment and files of every rank"},
        {"render --rank 3 -o json job.yaml", "of one, for programs"},
    };
    command->flags = {
        {"rank", 'r', FlagType::kString, "LIST", "which ranks: 7, 0-3,7 or all (default)"},
        {"role", 0, FlagType::kString, "NAME", "which role (default: worker, with --rank)"},
        OutputFlag("table|json|yaml"),
    };
    command->notes =
        "Hosts, devices and ports are made up: node-0 at 127.0.0.1, devices from 0, ports from\n"
        "20000. The table leaves out what every process has, like PATH.";
    command->min_arguments = 1;
    command->max_arguments = 1;
    command->run = Render;
    return command;
  }();
  return *kCommand;
}

}  // namespace muster

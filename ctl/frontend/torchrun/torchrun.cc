#include "ctl/frontend/torchrun/torchrun.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/base/fs.h"
#include "ctl/frontend/torchrun/cluster_job.h"
#include "ctl/frontend/torchrun/runner.h"

namespace muster {
namespace {

// "python", "python3", "python3.11".
bool IsPython(const std::string& word) {
  const std::string name = BaseName(word);
  absl::string_view rest = name;
  return absl::ConsumePrefix(&rest, "python") && std::all_of(rest.begin(), rest.end(), [](char c) {
           return c == '.' || absl::ascii_isdigit(static_cast<unsigned char>(c));
         });
}

// An option of the interpreter that takes no value: "-u", "-Bu".
bool IsPlainPythonOption(absl::string_view word) {
  return word.size() > 1 && word[0] == '-' &&
         word.find_first_not_of("BbdEIiOPqsSuvx", 1) == absl::string_view::npos;
}

std::optional<std::vector<std::string>> Match(const std::vector<std::string>& command) {
  if (command.empty()) return std::nullopt;
  if (BaseName(command[0]) == "torchrun") {
    return std::vector<std::string>(command.begin() + 1, command.end());
  }
  if (!IsPython(command[0])) return std::nullopt;
  size_t at = 1;
  while (at < command.size() && IsPlainPythonOption(command[at])) ++at;
  if (at + 1 >= command.size() || command[at] != "-m") return std::nullopt;
  const std::string& module = command[at + 1];
  std::vector<std::string> words(command.begin() + static_cast<ptrdiff_t>(at) + 2, command.end());
  if (module == "torch.distributed.run") return words;
  if (module != "torch.distributed.launch") return std::nullopt;
  words.insert(words.begin(), "--pass_local_rank");  // What sets that module apart.
  return words;
}

}  // namespace

const Frontend& TorchrunFrontend() {
  static const auto* const kFrontend = [] {
    auto* frontend = new Frontend;
    frontend->name = "torchrun";
    frontend->summary = "PyTorch's launcher, without a daemon";
    frontend->run = RunTorchrun;
    frontend->match = Match;
    frontend->to_job = TorchrunJob;
    return frontend;
  }();
  return *kFrontend;
}

}  // namespace muster

#include "ctl/frontend/frontend.h"

#include <unistd.h>

#include <algorithm>
#include <climits>

#include "common/base/fs.h"
#include "ctl/frontend/msrun/msrun.h"
#include "ctl/frontend/torchrun/torchrun.h"
#include "ctl/frontend/paddle/paddle.h"

namespace muster {
namespace {

std::map<std::string, std::string> CallersEnvironment() {
  std::map<std::string, std::string> env;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=', 1);
    if (equals == std::string::npos) continue;
    env.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return env;
}

std::string CurrentDir() {
  char path[PATH_MAX];
  return getcwd(path, sizeof(path)) == nullptr ? "" : path;
}

}  // namespace

const std::vector<const Frontend*>& AllFrontends() {
  static const auto* const kFrontends = new std::vector<const Frontend*>{
      &MsrunFrontend(),
      &TorchrunFrontend(),
      &PaddleFrontend(),
  };
  return *kFrontends;
}

const Frontend* FindFrontend(const std::string& name) {
  for (const Frontend* frontend : AllFrontends()) {
    const std::vector<std::string>& aliases = frontend->aliases;
    if (frontend->name == name) return frontend;
    if (std::find(aliases.begin(), aliases.end(), name) != aliases.end()) return frontend;
  }
  return nullptr;
}

std::optional<int> RunFrontend(const std::string& program, const std::vector<std::string>& words) {
  FrontendCall call;
  const Frontend* frontend = FindFrontend(BaseName(program));
  call.words = words;
  call.program = BaseName(program);
  if (frontend == nullptr && !words.empty()) {
    frontend = FindFrontend(words[0]);
    call.words.erase(call.words.begin());
    call.program += " " + words[0];
  }
  if (frontend == nullptr) return std::nullopt;
  call.env = CallersEnvironment();
  call.current_dir = CurrentDir();
  return frontend->run(call);
}

}  // namespace muster

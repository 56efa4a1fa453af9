#include "ctl/frontend/paddle/paddle.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/base/fs.h"
#include "ctl/frontend/paddle/job_spec.h"
#include "ctl/frontend/paddle/launcher.h"

namespace muster {
namespace {

constexpr char kModule[] = "paddle.distributed.launch";

// `paddle-launch …`, `fleetrun …`, `python[3[.x]] [-u] -m paddle.distributed.launch …`.
std::optional<std::vector<std::string>> Match(const std::vector<std::string>& command) {
  if (command.empty()) return std::nullopt;
  const std::string program = BaseName(command[0]);
  size_t skip = 0;
  if (program == "paddle-launch" || program == "fleetrun") {
    skip = 1;
  } else if (absl::StartsWith(program, "python")) {
    size_t at = 1;
    while (at < command.size() && command[at] == "-u") ++at;
    if (at + 1 < command.size() && command[at] == "-m" && command[at + 1] == kModule) {
      skip = at + 2;
    }
  }
  if (skip == 0) return std::nullopt;
  return std::vector<std::string>(command.begin() + static_cast<ptrdiff_t>(skip), command.end());
}

Frontend MakePaddleFrontend() {
  Frontend frontend;
  frontend.name = "paddle-launch";
  frontend.aliases = {"fleetrun"};
  frontend.summary = "Paddle's distributed launcher, without a daemon";
  frontend.run = RunPaddleLaunch;
  frontend.match = Match;
  frontend.to_job = PaddleToJob;
  return frontend;
}

}  // namespace

const Frontend& PaddleFrontend() {
  static const auto* const frontend = new Frontend(MakePaddleFrontend());
  return *frontend;
}

}  // namespace muster

#include "ctl/frontend/torchrun/host_facts.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/base/fs.h"

namespace muster {
namespace {

// "nvidia0", "nvidia1", …; not "nvidiactl".
int CountNvidiaNodes() {
  const absl::StatusOr<std::vector<std::string>> names = ListDir("/dev");
  if (!names.ok()) return 0;
  return static_cast<int>(std::count_if(names->begin(), names->end(), [](absl::string_view name) {
    int number = 0;
    return absl::ConsumePrefix(&name, "nvidia") && absl::SimpleAtoi(name, &number);
  }));
}

}  // namespace

int VisibleGpus(int present, const std::string* visible) {
  if (visible == nullptr) return present;
  int count = 0;
  for (const absl::string_view entry : absl::StrSplit(*visible, ',')) {
    const absl::string_view text = absl::StripAsciiWhitespace(entry);
    int index = 0;
    // A number beyond the devices ends the list, and so does anything that is no UUID.
    const bool named = absl::StartsWith(text, "GPU-") || absl::StartsWith(text, "MIG-");
    if (!named && (!absl::SimpleAtoi(text, &index) || index < 0 || index >= present)) break;
    ++count;
  }
  return std::min(count, present);
}

std::string FindPython(const std::map<std::string, std::string>& env) {
  const auto given = env.find("PYTHON_EXEC");
  if (given != env.end()) return given->second;
  const auto path = env.find("PATH");
  for (const absl::string_view dir : absl::StrSplit(path == env.end() ? "" : path->second, ':')) {
    for (const char* name : {"python3", "python"}) {
      const std::string file = JoinPath(dir, name);
      if (!dir.empty() && access(file.c_str(), X_OK) == 0) return file;
    }
  }
  return "python3";  // Its start will say what is missing.
}

HostFacts ReadHostFacts(const std::map<std::string, std::string>& env) {
  HostFacts facts;
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, sizeof(name) - 1) == 0) facts.name = name;
  facts.cpus = std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
  const auto visible = env.find("CUDA_VISIBLE_DEVICES");
  facts.gpus = VisibleGpus(CountNvidiaNodes(), visible == env.end() ? nullptr : &visible->second);
  facts.python = FindPython(env);
  return facts;
}

}  // namespace muster

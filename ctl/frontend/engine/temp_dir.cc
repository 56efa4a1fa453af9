#include "ctl/frontend/engine/temp_dir.h"

#include <sys/stat.h>
#include <unistd.h>

#include <vector>

namespace muster {
namespace {

bool TakesFiles(const std::string& path) {
  struct stat file;
  return stat(path.c_str(), &file) == 0 && S_ISDIR(file.st_mode) &&
         access(path.c_str(), W_OK | X_OK) == 0;
}

}  // namespace

std::string TempDir(const std::map<std::string, std::string>& env) {
  std::vector<std::string> places;
  for (const char* name : {"TMPDIR", "TEMP", "TMP"}) {
    const auto given = env.find(name);
    if (given != env.end() && !given->second.empty()) places.push_back(given->second);
  }
  places.insert(places.end(), {"/tmp", "/var/tmp", "/usr/tmp", "."});
  for (const std::string& place : places) {
    if (TakesFiles(place)) return place;
  }
  return "/tmp";  // Whoever makes a file there says why it cannot be.
}

}  // namespace muster

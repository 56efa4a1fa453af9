#include "agent/base_env.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr char kUsualPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct User {
  std::string name;
  std::string home = "/";
  std::string shell = "/bin/sh";
};

User ReadUser() {
  User user;
  user.name = absl::StrCat(geteuid());
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    user.name = found->pw_name;
    if (found->pw_dir != nullptr && *found->pw_dir != '\0') user.home = found->pw_dir;
    if (found->pw_shell != nullptr && *found->pw_shell != '\0') user.shell = found->pw_shell;
  }
  return user;
}

std::string EnvOr(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

}  // namespace

std::map<std::string, std::string> BaseEnv() {
  const User user = ReadUser();
  std::map<std::string, std::string> env = {
      {"PATH", EnvOr("PATH", kUsualPath)},
      {"HOME", EnvOr("HOME", user.home)},
      {"USER", user.name},
      {"LOGNAME", user.name},
      {"SHELL", user.shell},
      {"LANG", EnvOr("LANG", "C.UTF-8")},
  };
  const std::string tmpdir = EnvOr("TMPDIR", "");
  if (!tmpdir.empty()) env["TMPDIR"] = tmpdir;
  return env;
}

std::string UserName() { return ReadUser().name; }

}  // namespace muster

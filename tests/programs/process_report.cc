#include "tests/programs/process_report.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/programs/program.h"

namespace muster::program {
namespace {

std::string Quote(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    char escape[8];
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      snprintf(escape, sizeof(escape), "\\u%04x", c);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string List(const std::vector<std::string>& items, const char* brackets) {
  std::string list(1, brackets[0]);
  for (size_t i = 0; i < items.size(); ++i) list += (i == 0 ? "" : ", ") + items[i];
  return list + brackets[1];
}

std::string Arguments(int argc, char** argv) {
  std::vector<std::string> items;
  for (int i = 0; i < argc; ++i) items.push_back(Quote(argv[i]));
  return List(items, "[]");
}

std::string Environment() {
  std::vector<std::string> items;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    items.push_back(Quote(text.substr(0, equals)) + ": " + Quote(text.substr(equals + 1)));
  }
  return List(items, "{}");
}

std::string Processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  std::vector<std::string> items;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) items.push_back(std::to_string(cpu));
  }
  return List(items, "[]");
}

std::string Limits() {
  std::vector<std::string> items;
  const std::map<const char*, int> limits = {
      {"nofile", RLIMIT_NOFILE}, {"core", RLIMIT_CORE},   {"memlock", RLIMIT_MEMLOCK},
      {"stack", RLIMIT_STACK},   {"fsize", RLIMIT_FSIZE},
  };
  for (const auto& [name, number] : limits) {
    rlimit value{};
    getrlimit(static_cast<__rlimit_resource>(number), &value);
    const bool unlimited = value.rlim_cur == RLIM_INFINITY;
    items.push_back(Quote(name) + ": " +
                    (unlimited ? std::string("-1") : std::to_string(value.rlim_cur)));
  }
  return List(items, "{}");
}

std::string Descriptors() {
  std::vector<std::string> items;
  DIR* dir = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (name[0] == '.' || std::stoi(name) == dirfd(dir)) continue;
    char target[PATH_MAX] = {};
    if (readlink(("/proc/self/fd/" + name).c_str(), target, sizeof(target) - 1) < 0) continue;
    items.push_back(Quote(name) + ": " + Quote(target));
  }
  closedir(dir);
  return List(items, "{}");
}

// A line of /proc/self/status, e.g. "SigBlk": a mask in hex.
std::string StatusField(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(name + ":\t", 0) == 0) return line.substr(name.size() + 2);
  }
  return "";
}

}  // namespace

std::string ProcessReport(int argc, char** argv) {
  const std::string descriptors = Descriptors();  // Before this program opens any.
  const mode_t mask = umask(0);
  umask(mask);
  char cwd[PATH_MAX] = {};
  if (getcwd(cwd, sizeof(cwd)) == nullptr) perror("getcwd");
  const std::vector<std::string> fields = {
      "\"argv\": " + Arguments(argc, argv),
      "\"env\": " + Environment(),
      "\"cwd\": " + Quote(cwd),
      "\"pid\": " + std::to_string(getpid()),
      "\"ppid\": " + std::to_string(getppid()),
      "\"pgid\": " + std::to_string(getpgrp()),
      "\"sid\": " + std::to_string(getsid(0)),
      "\"umask\": " + std::to_string(mask),
      "\"cpus\": " + Processors(),
      "\"limits\": " + Limits(),
      "\"fds\": " + descriptors,
      "\"blocked\": " + Quote(StatusField("SigBlk")),
      "\"ignored\": " + Quote(StatusField("SigIgn")),
      "\"began_ns\": " + std::to_string(BootTimeNs()),
  };
  return List(fields, "{}");
}

void WriteReport(const std::string& path, const std::string& report) {
  const std::string partial = path + ".partial";
  unlink(partial.c_str());
  AppendLine(partial, report);
  if (rename(partial.c_str(), path.c_str()) != 0) {
    perror(path.c_str());
    _exit(1);
  }
}

}  // namespace muster::program

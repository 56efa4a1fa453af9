#include "tests/programs/program.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace muster::program {

std::string Flag(int argc, char** argv, const std::string& name, const std::string& fallback) {
  const std::string option = "--" + name;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == option && i + 1 < argc) return argv[i + 1];
    if (word.rfind(option + "=", 0) == 0) return word.substr(option.size() + 1);
  }
  return fallback;
}

int64_t Flag(int argc, char** argv, const std::string& name, int64_t fallback) {
  return std::stoll(Flag(argc, argv, name, std::to_string(fallback)));
}

int64_t EnvNumber(std::initializer_list<const char*> names, int64_t fallback) {
  for (const char* name : names) {
    const char* value = getenv(name);
    if (value != nullptr && *value != '\0') return std::stoll(value);
  }
  return fallback;
}

std::string EnvText(const char* name, const std::string& fallback) {
  const char* value = getenv(name);
  return value == nullptr ? fallback : value;
}

int Rank() { return static_cast<int>(EnvNumber({"MUSTER_RANK", "RANK"}, 0)); }

int WorldSize() { return static_cast<int>(EnvNumber({"MUSTER_WORLD_SIZE", "WORLD_SIZE"}, 1)); }

void WriteAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      dprintf(STDERR_FILENO, "write to descriptor %d: %s\n", fd, strerror(errno));
      _exit(74);  // EX_IOERR
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
}

void AppendLine(const std::string& path, const std::string& line) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    dprintf(STDERR_FILENO, "open %s: %s\n", path.c_str(), strerror(errno));
    _exit(73);  // EX_CANTCREAT
  }
  const std::string bytes = line + "\n";
  WriteAll(fd, bytes.data(), bytes.size());
  close(fd);
}

uint32_t Crc32(const std::string& bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> made{};
    for (uint32_t i = 0; i < made.size(); ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320u : 0u);
      made[i] = value;
    }
    return made;
  }();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc = table[(crc ^ static_cast<uint8_t>(byte)) & 0xFFu] ^ (crc >> 8);
  }
  return ~crc;
}

int64_t BootTimeNs() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void SleepMs(int64_t ms) {
  timespec left{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void PauseForever() {
  while (true) pause();
}

}  // namespace muster::program

#include "common/base/protocol.h"

#include <stdio.h>

namespace muster {

__attribute__((weak)) ProtocolVersion OwnProtocol() { return {kProtocolMajor, kNewestMinor}; }

std::string ToString(const ProtocolVersion& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

bool ParseProtocol(const std::string& text, ProtocolVersion* version) {
  ProtocolVersion read;
  char rest = 0;
  if (sscanf(text.c_str(), "%d.%d%c", &read.major, &read.minor, &rest) != 2) return false;
  *version = read;
  return true;
}

}  // namespace muster

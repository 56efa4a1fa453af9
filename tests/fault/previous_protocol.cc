// Linked into a program, makes it speak the protocol of the minor before this build's.
#include "common/base/protocol.h"

namespace muster {

ProtocolVersion OwnProtocol() { return {kProtocolMajor, kNewestMinor - 1}; }

}  // namespace muster

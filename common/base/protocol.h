// Which protocol this build speaks: the messages between agents and schedulers, the frames between
// agent and msshim, and the files of all three. A major that differs is refused. A minor adds only
// what a peer or a reader that does not know it can do without, so N and N-1 work together both
// ways. docs/decisions.md, "Versions", has the rules. No Abseil: msshim uses it too.
#ifndef MUSTER_COMMON_BASE_PROTOCOL_H_
#define MUSTER_COMMON_BASE_PROTOCOL_H_

#include <string>

namespace muster {

struct ProtocolVersion {
  int major = 1;
  int minor = 0;
};

inline constexpr int kProtocolMajor = 1;
// The node's lease: NodeWelcome.node_lease, NodeHello.keeps_lease, the frame kLease, the plan's
// fence. With it the peers tell their versions; who tells none speaks minor 0.
inline constexpr int kLeaseMinor = 1;
inline constexpr int kNewestMinor = kLeaseMinor;

// What this program speaks. Weak: tests of rolling upgrades link a program that speaks the minor
// before.
ProtocolVersion OwnProtocol();

inline bool SpeaksLeases() { return OwnProtocol().minor >= kLeaseMinor; }

// "1.1"
std::string ToString(const ProtocolVersion& version);
// False: `text` is no version.
bool ParseProtocol(const std::string& text, ProtocolVersion* version);

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_PROTOCOL_H_

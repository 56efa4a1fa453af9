// Exit codes of msagentd; docs/exit-codes.md tells them to users.
#ifndef MUSTER_AGENT_EXIT_CODES_H_
#define MUSTER_AGENT_EXIT_CODES_H_

namespace muster {

inline constexpr int kExitOk = 0;          // Stopped by a signal; the ranks go on.
inline constexpr int kExitFailed = 1;      // Anything else.
inline constexpr int kExitUsage = 2;       // A flag or a file that a flag names is wrong.
inline constexpr int kExitStateInUse = 3;  // Another agent has the state directory.
inline constexpr int kExitState = 4;       // The state cannot be used: damaged, full, not ours.
inline constexpr int kExitListen = 5;      // An address cannot be listened on.

}  // namespace muster

#endif  // MUSTER_AGENT_EXIT_CODES_H_

// How many files this process may have open. Programs that serve thousands of peers want more than
// the 1,024 that a process is given for the sake of select(2); what users run is to have the limit
// that it would have without us. No Abseil: msshim uses it too.
#ifndef MUSTER_COMMON_BASE_OPEN_FILES_H_
#define MUSTER_COMMON_BASE_OPEN_FILES_H_

#include <cstdint>

namespace muster {

// In the environment of msshim: the soft limit that it and its ranks are to have. An older one
// passes it over, and its ranks have the agent's.
inline constexpr char kOpenFilesVariable[] = "MUSTER_OPEN_FILES";

// Raises the soft limit to the hard one, or to 2^20 where that is higher: some programs close every
// number up to it. Never lowers it. For the main thread of a program, at its start.
void RaiseOpenFiles();

// The soft limit before RaiseOpenFiles() has changed it; 0: it has not.
uint64_t OpenFilesAtBirth();

// Gives this process, and what it will start, the soft limit of its parent's birth. False: the hard
// limit is lower.
bool SetOpenFiles(uint64_t soft);

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_OPEN_FILES_H_

// Named places at which a test can end the process, as if the power of that process went out, and
// named bugs that a test can plant, to see that its checker finds them. No Abseil: msshim uses it
// too.
//
// Programs that users run have neither: --config=release makes all of this empty, so that nothing
// in an environment can end or bend them, and the compiler leaves nothing of a planted bug.
#ifndef MUSTER_COMMON_BASE_FAILPOINT_H_
#define MUSTER_COMMON_BASE_FAILPOINT_H_

namespace muster {

#ifdef MUSTER_NO_FAILPOINTS

inline void Failpoint(const char*) {}
constexpr bool Planted(const char*) { return false; }

#else

// Kills this process with SIGKILL when the environment says MUSTER_FAILPOINT=`name` (at the first
// pass), `name`:N (at the N-th), or `name`:N:MS: then this thread stands still for so many
// milliseconds before, while the others go on. Otherwise costs one comparison.
void Failpoint(const char* name);

// Whether MUSTER_PLANT, names with commas between them, has `bug`. docs/faults.md lists them, each
// with the driver that must find it.
bool Planted(const char* bug);

#endif

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_FAILPOINT_H_

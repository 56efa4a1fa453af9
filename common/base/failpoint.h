// Named places at which a test can end the process, as if the power of that process went out.
// No Abseil: msshim uses it too.
#ifndef MUSTER_COMMON_BASE_FAILPOINT_H_
#define MUSTER_COMMON_BASE_FAILPOINT_H_

namespace muster {

// Kills this process with SIGKILL when the environment says MUSTER_FAILPOINT=`name` (at the first
// pass) or `name`:N (at the N-th). Otherwise costs one comparison.
void Failpoint(const char* name);

}  // namespace muster

#endif  // MUSTER_COMMON_BASE_FAILPOINT_H_

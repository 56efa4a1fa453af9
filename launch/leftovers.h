#ifndef MUSTER_LAUNCH_LEFTOVERS_H_
#define MUSTER_LAUNCH_LEFTOVERS_H_

#include <string>
#include <vector>

namespace muster {

// Variables by which launchers tell a process who it is: torchrun, mpirun, srun, msrun, Paddle's
// launcher, and Muster itself. An agent or a `msctl run` that was started under one of them
// inherits them, and a rank would take them for its own. A name that ends in '*' means all that
// begin so.
const std::vector<std::string>& LeftoverVariables();

// Whether `name` is meant by `pattern`, one of the above.
bool MatchesVariable(const std::string& pattern, const std::string& name);

}  // namespace muster

#endif  // MUSTER_LAUNCH_LEFTOVERS_H_

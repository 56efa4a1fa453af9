#ifndef MUSTER_AGENT_BASE_ENV_H_
#define MUSTER_AGENT_BASE_ENV_H_

#include <map>
#include <string>

namespace muster {

// The environment that every rank starts from, before the job's own: PATH, HOME, USER, LOGNAME,
// SHELL, LANG, and TMPDIR where the agent has one. Nothing else of the agent's environment reaches
// a rank: it is the service's, and may hold its secrets.
std::map<std::string, std::string> BaseEnv();

// The name of the user that this process runs as; its number when it has none.
std::string UserName();

}  // namespace muster

#endif  // MUSTER_AGENT_BASE_ENV_H_

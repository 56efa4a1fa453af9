#ifndef MUSTER_CTL_FRONTEND_ENGINE_SPAWN_H_
#define MUSTER_CTL_FRONTEND_ENGINE_SPAWN_H_

#include <sys/types.h>

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "ctl/frontend/engine/process_spec.h"

namespace muster {

// Starts `spec` by posix_spawn(3), which copies nothing of the launcher. The process gets an empty
// signal mask, no descriptor but its three, and the dispositions that the launcher was started with
// (`nohup` reaches through us). `stdin_fd` < 0: the launcher's own.
absl::StatusOr<pid_t> Spawn(const ProcessSpec& spec, int stdin_fd);

// Where `program` is found: by the PATH of `env`, or as it stands when it has a '/'. The error says
// what was looked for and where.
absl::StatusOr<std::string> FindProgram(const std::string& program,
                                        const std::map<std::string, std::string>& env);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_SPAWN_H_

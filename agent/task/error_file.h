#ifndef MUSTER_AGENT_TASK_ERROR_FILE_H_
#define MUSTER_AGENT_TASK_ERROR_FILE_H_

#include <string>

#include "muster/v1/agent_service.pb.h"

namespace muster {

// Why rank `index` of this host says that it failed, in one line, or "". Reads the file that its
// contract has it write below `gang_dir` (torch: TORCHELASTIC_ERROR_FILE). The file is the rank's:
// only a regular one of moderate size is read, and never waited for.
std::string ReadRankError(const v1::StartGangRequest& request, const std::string& gang_dir,
                          int index);

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_ERROR_FILE_H_

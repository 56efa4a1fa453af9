#ifndef MUSTER_CTL_FRONTEND_ENGINE_TEMP_DIR_H_
#define MUSTER_CTL_FRONTEND_ENGINE_TEMP_DIR_H_

#include <map>
#include <string>

namespace muster {

// Where temporary files go, as Python's tempfile.gettempdir() chooses: the first of $TMPDIR, $TEMP,
// $TMP, /tmp, /var/tmp, /usr/tmp and the working directory that may be written to. A batch system's
// TMPDIR often names a directory that is on one host of the job alone.
std::string TempDir(const std::map<std::string, std::string>& env);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_ENGINE_TEMP_DIR_H_

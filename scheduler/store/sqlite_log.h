// SQLite's write-ahead log, looked at before SQLite does.
#ifndef MUSTER_SCHEDULER_STORE_SQLITE_LOG_H_
#define MUSTER_SCHEDULER_STORE_SQLITE_LOG_H_

#include <string>

#include "absl/status/status.h"

namespace muster {

// DATA_LOSS: the log at `path` is damaged before its end, so that commits which were on disk would
// be lost. SQLite takes the first frame that does not fit its checksum for the log's torn end and
// drops all that follows, without a word. Under synchronous=FULL no commit begins to be written
// before the one before it is on disk: where a further commit follows the unsound frame's, it was
// no torn end. OK when there is no log. Blocks.
//
// The format is SQLite's: https://www.sqlite.org/fileformat2.html#walformat
absl::Status CheckSqliteLog(const std::string& path);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_SQLITE_LOG_H_

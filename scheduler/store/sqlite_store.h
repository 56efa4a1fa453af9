#ifndef MUSTER_SCHEDULER_STORE_SQLITE_STORE_H_
#define MUSTER_SCHEDULER_STORE_SQLITE_STORE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/event_loop.h"
#include "scheduler/store/state_store.h"

namespace muster {

struct SqliteStoreOptions {
  std::string path;  // The database's file; its directory must exist, on a local file system.
  // After a full disk the next try comes after this, doubling up to `max_retry`.
  absl::Duration first_retry = absl::Milliseconds(100);
  absl::Duration max_retry = absl::Seconds(5);
  // Room on the disk that is kept free for it (space_reserve.h). When the disk is full it is used
  // up by what cannot be refused, the ends of jobs above all. 0: none.
  int64_t reserve_bytes = 0;
  int checkpoint_pages = 1000;  // The log is copied into the file when it has so many.
  // Called on the writer's thread when a commit has failed for good; nothing is acknowledged after
  // it. Empty: logs the line and ends the process.
  std::function<void(const absl::Status&)> on_fatal;
};

// A store in one SQLite file: WAL with synchronous=FULL, so that every commit is on disk when it is
// acknowledged. One writer thread of its own does all the work; the destructor finishes what was
// committed, except while the disk is full.
//
// Opens the file, or makes it, and checks all of it. DATA_LOSS: it is damaged, and is left as it
// is. FAILED_PRECONDITION: a newer program has written it, or another process has it open. `loop`
// must outlive the store.
absl::StatusOr<std::unique_ptr<StateStore>> OpenSqliteStore(const SqliteStoreOptions& options,
                                                            EventLoop* loop);

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_SQLITE_STORE_H_

#ifndef MUSTER_SCHEDULER_STORE_SQLITE_DB_H_
#define MUSTER_SCHEDULER_STORE_SQLITE_DB_H_

#include <sqlite3.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "scheduler/store/state_store.h"

namespace muster {

// The database's file, its schema and its statements. Blocks in every method; no threads of its own
// and not thread-safe, but not tied to one thread.
//
// Every row carries a CRC-32C: SQLite's own check sees the damage of a page's structure, not of the
// bytes in it. A file that exists but is empty is damaged too, for new ones are made complete under
// another name first.
class SqliteDb {
 public:
  // See OpenSqliteStore().
  static absl::StatusOr<std::unique_ptr<SqliteDb>> Open(const std::string& path);
  // From how many pages on Checkpoint() does something.
  void set_checkpoint_pages(int pages) { checkpoint_pages_ = pages; }
  ~SqliteDb();

  // Raises the epoch, durably, and reads everything. DATA_LOSS: a row is damaged.
  absl::StatusOr<StoredState> Load();
  // One durable transaction. RESOURCE_EXHAUSTED: the disk is full, and nothing was changed.
  absl::Status Apply(const std::vector<const StateBatch*>& batches);
  // Copies the log back into the file once it has grown. Fails only for good: a full disk waits.
  absl::Status Checkpoint();

  SqliteDb(const SqliteDb&) = delete;
  SqliteDb& operator=(const SqliteDb&) = delete;

 private:
  class Statement;

  explicit SqliteDb(std::string path) : path_(std::move(path)) {}
  static absl::Status Create(const std::string& path);
  static absl::Status MakeLog(const std::string& path);
  absl::Status Connect(int flags);
  absl::Status CheckFile();
  // Gives a file of an earlier version what it lacks.
  absl::Status Upgrade(bool fresh);
  // A copy beside the file, whole or not there.
  absl::Status Backup();
  absl::Status Exec(const char* sql);
  absl::StatusOr<int64_t> Number(const char* sql);
  absl::Status RaiseEpoch(StoredState* state);
  absl::Status ReadJobs(StoredState* state);
  absl::Status ReadRequests(StoredState* state);
  absl::Status ReadNodes(StoredState* state);
  absl::Status Put(const StateBatch& batch);
  absl::Status PutJob(const JobRecord& record);
  absl::Status PutRequest(const RequestRecord& request);
  absl::Status PutNode(const NodeRecord& node);
  // What SQLite says now, with the file's name and a fitting code.
  absl::Status Error(absl::string_view doing, int code) const;
  absl::Status Damaged(absl::string_view how) const;

  const std::string path_;
  sqlite3* db_ = nullptr;
  int checkpoint_pages_ = 1000;
  int log_pages_ = 0;
};

}  // namespace muster

#endif  // MUSTER_SCHEDULER_STORE_SQLITE_DB_H_

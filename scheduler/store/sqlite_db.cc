#include "scheduler/store/sqlite_db.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/base/failpoint.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "common/rpc/crc32c.h"
#include "scheduler/store/sqlite_log.h"

namespace muster {
namespace {

// A version is one set of tables and columns. The next may only add tables, and columns that have a
// default: a program works on its own version and on the next one, so that a downgrade by one finds
// its jobs. An upgrade leaves a copy of the file as it was.
constexpr int kSchemaVersion = 1;
constexpr size_t kProbeBytes = 128 << 10;

// application_id is "MUST" in ASCII.
constexpr char kSchema[] = R"(
PRAGMA application_id = 1297437524;
PRAGMA user_version = 1;
BEGIN IMMEDIATE;
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES ('epoch', 0);
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  state INTEGER NOT NULL,
  submit_ms INTEGER NOT NULL,
  stop_cause INTEGER NOT NULL,
  stop_reason TEXT NOT NULL,
  job BLOB NOT NULL,
  crc INTEGER NOT NULL) STRICT;
CREATE TABLE requests (
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  made_us INTEGER NOT NULL,
  crc INTEGER NOT NULL) STRICT;
COMMIT;
)";
// Came later; a program that does not know it leaves it alone.
constexpr char kNodesTable[] = R"(
CREATE TABLE IF NOT EXISTS nodes (
  id TEXT PRIMARY KEY,
  cordoned INTEGER NOT NULL,
  draining INTEGER NOT NULL,
  reason TEXT NOT NULL,
  crc INTEGER NOT NULL) STRICT;
)";

uint32_t JobCrc(absl::string_view id, int cause, absl::string_view reason, absl::string_view job) {
  return Crc32c(absl::StrCat(id, "\n", cause, "\n", reason, "\n", job));
}

uint32_t RequestCrc(absl::string_view id, absl::string_view job_id, int64_t made_us) {
  return Crc32c(absl::StrCat(id, "\n", job_id, "\n", made_us));
}

uint32_t NodeCrc(const NodeRecord& node) {
  return Crc32c(
      absl::StrCat(node.node_id, "\n", node.cordoned, "\n", node.draining, "\n", node.reason));
}

// Whether a write beside `path` fails for want of space or quota.
bool NoSpaceAt(const std::string& path) {
  const absl::Status probe =
      WriteFile(absl::StrCat(path, ".probe"), std::string(kProbeBytes, '\0'));
  unlink(absl::StrCat(path, ".probe").c_str());
  const std::string message(probe.message());
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    if (absl::StrContains(message, strerror(error))) return true;
  }
  return false;
}

// SQLite knows ENOSPC by itself. A full quota it calls an I/O error, and its errno is gone by then.
// Only failed writes are looked at so: after a failed fsync nobody knows what is on the disk.
bool IsDiskFull(int code, const std::string& path) {
  if ((code & 0xff) == SQLITE_FULL) return true;
  return (code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE) && NoSpaceAt(path);
}

}  // namespace

// One prepared statement. Bound texts must outlive Run() or Next().
class SqliteDb::Statement {
 public:
  Statement(SqliteDb* db, const char* sql) : db_(db) {
    code_ = sqlite3_prepare_v2(db->db_, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Text(absl::string_view value) {
    Keep(sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                           SQLITE_STATIC));
    return *this;
  }
  Statement& Blob(absl::string_view value) {
    Keep(sqlite3_bind_blob(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                           SQLITE_STATIC));
    return *this;
  }
  Statement& Int(int64_t value) {
    Keep(sqlite3_bind_int64(statement_, ++bound_, value));
    return *this;
  }

  absl::Status Run() {
    if (code_ == SQLITE_OK) code_ = sqlite3_step(statement_);
    return code_ == SQLITE_DONE ? absl::OkStatus() : db_->Error("write", code_);
  }
  // Whether there is a further row.
  absl::StatusOr<bool> Next() {
    if (code_ == SQLITE_OK || code_ == SQLITE_ROW) code_ = sqlite3_step(statement_);
    if (code_ == SQLITE_ROW) return true;
    if (code_ == SQLITE_DONE) return false;
    return db_->Error("read", code_);
  }
  std::string TextAt(int column) const {
    const void* const bytes = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return size == 0 ? std::string()
                     : std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
  }
  int64_t IntAt(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  void Keep(int code) {
    if (code_ == SQLITE_OK) code_ = code;
  }

  SqliteDb* const db_;
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
  int bound_ = 0;
};

absl::StatusOr<std::unique_ptr<SqliteDb>> SqliteDb::Open(const std::string& path) {
  struct stat file {};
  bool fresh = false;
  if (stat(path.c_str(), &file) != 0) {
    if (errno != ENOENT) return ErrnoStatus(errno, path);
    MUSTER_RETURN_IF_ERROR(Create(path));
    fresh = true;
  } else if (file.st_size == 0) {
    return SqliteDb(path).Damaged("the file is empty");
  }
  std::unique_ptr<SqliteDb> db(new SqliteDb(path));
  const absl::Status log = CheckSqliteLog(absl::StrCat(path, "-wal"));
  if (absl::IsDataLoss(log)) return db->Damaged(log.message());
  MUSTER_RETURN_IF_ERROR(log);
  MUSTER_RETURN_IF_ERROR(MakeLog(path));
  MUSTER_RETURN_IF_ERROR(db->Connect(SQLITE_OPEN_READWRITE));
  MUSTER_RETURN_IF_ERROR(db->CheckFile());
  MUSTER_RETURN_IF_ERROR(db->Upgrade(fresh));
  MUSTER_RETURN_IF_ERROR(db->Exec("PRAGMA journal_mode = WAL"));
  MUSTER_RETURN_IF_ERROR(db->Exec(Planted("skip_commit_fsync") ? "PRAGMA synchronous = NORMAL"
                                                               : "PRAGMA synchronous = FULL"));
  // Neither in a commit nor at the end would SQLite tell of its errors.
  MUSTER_RETURN_IF_ERROR(db->Exec("PRAGMA wal_autocheckpoint = 0"));
  sqlite3_db_config(db->db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_hook(
      db->db_,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<SqliteDb*>(self)->log_pages_ = pages;
        return SQLITE_OK;
      },
      db.get());
  return db;
}

// The log's name is on disk before anything relies on it: SQLite makes one too, but does not look
// at what the fsync of the directory has said.
absl::Status SqliteDb::MakeLog(const std::string& path) {
  const std::string log = absl::StrCat(path, "-wal");
  const UniqueFd file(open(log.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) return ErrnoStatus(errno, log);
  return SyncDir(DirName(path));
}

SqliteDb::~SqliteDb() { sqlite3_close(db_); }

// A crash in here leaves a file that nobody takes for the real one.
absl::Status SqliteDb::Create(const std::string& path) {
  const std::string fresh = absl::StrCat(path, ".new");
  MUSTER_RETURN_IF_ERROR(RemoveTree(fresh));
  MUSTER_RETURN_IF_ERROR(RemoveTree(absl::StrCat(fresh, "-journal")));
  {
    SqliteDb db(fresh);
    MUSTER_RETURN_IF_ERROR(db.Connect(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
    MUSTER_RETURN_IF_ERROR(db.Exec("PRAGMA synchronous = FULL"));
    // Until the rename nobody takes it for a store: there is nothing to roll back, and no fsync of
    // a rollback file whose failure SQLite would not tell.
    MUSTER_RETURN_IF_ERROR(db.Exec("PRAGMA journal_mode = MEMORY"));
    MUSTER_RETURN_IF_ERROR(db.Exec(kSchema));
  }
  // A log that belongs to a file which is gone would be played into the new one.
  MUSTER_RETURN_IF_ERROR(RemoveTree(absl::StrCat(path, "-wal")));
  MUSTER_RETURN_IF_ERROR(RemoveTree(absl::StrCat(path, "-shm")));
  Failpoint("store_before_rename");
  if (rename(fresh.c_str(), path.c_str()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("rename ", fresh));
  }
  Failpoint("store_after_rename");
  return SyncDir(DirName(path));
}

absl::Status SqliteDb::Connect(int flags) {
  const int code = sqlite3_open_v2(path_.c_str(), &db_, flags, nullptr);
  if (code != SQLITE_OK) return Error("open", code);
  sqlite3_extended_result_codes(db_, 1);
  return Exec("PRAGMA locking_mode = EXCLUSIVE");  // One owner; and no shared memory.
}

absl::Status SqliteDb::CheckFile() {
  MUSTER_RETURN_IF_ERROR(Exec("BEGIN IMMEDIATE; COMMIT"));  // Takes the lock for good.
  MUSTER_ASSIGN_OR_RETURN(const int64_t version, Number("PRAGMA user_version"));
  MUSTER_ASSIGN_OR_RETURN(const int64_t application, Number("PRAGMA application_id"));
  if (application != 1297437524) {
    return absl::FailedPreconditionError(absl::StrCat(
        "state file ", path_, ": not one of Muster's; choose another state directory"));
  }
  if (version < 1 || version > kSchemaVersion + 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "state file ", path_, ": schema version ", version, ", this program works with ",
        kSchemaVersion, " and ", kSchemaVersion + 1, "; use the program that wrote it"));
  }
  Statement check(this, "PRAGMA integrity_check(1)");
  MUSTER_ASSIGN_OR_RETURN(const bool row, check.Next());
  const std::string verdict = row ? check.TextAt(0) : "no answer";
  return verdict == "ok" ? absl::OkStatus() : Damaged(absl::StrReplaceAll(verdict, {{"\n", " "}}));
}

absl::Status SqliteDb::Upgrade(bool fresh) {
  MUSTER_ASSIGN_OR_RETURN(
      const int64_t has_nodes,
      Number("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'nodes'"));
  if (has_nodes > 0) return absl::OkStatus();
  if (!fresh) MUSTER_RETURN_IF_ERROR(Backup());
  return Exec(kNodesTable);
}

absl::Status SqliteDb::Backup() {
  const std::string copy = absl::StrCat(path_, ".before-upgrade");
  const std::string partial = absl::StrCat(copy, ".new");
  MUSTER_RETURN_IF_ERROR(RemoveTree(partial));
  MUSTER_RETURN_IF_ERROR(Statement(this, "VACUUM INTO ?").Text(partial).Run());
  if (rename(partial.c_str(), copy.c_str()) != 0) return ErrnoStatus(errno, copy);
  return SyncDir(DirName(path_));
}

absl::StatusOr<StoredState> SqliteDb::Load() {
  StoredState state;
  MUSTER_RETURN_IF_ERROR(ReadJobs(&state));
  MUSTER_RETURN_IF_ERROR(ReadRequests(&state));
  MUSTER_RETURN_IF_ERROR(ReadNodes(&state));
  MUSTER_RETURN_IF_ERROR(RaiseEpoch(&state));
  return state;
}

// It has a copy with all bits inverted: an epoch that is read too low lets an old leader back in.
// A trigger keeps the copy, for the version before this one knows of none.
absl::Status SqliteDb::RaiseEpoch(StoredState* state) {
  MUSTER_ASSIGN_OR_RETURN(const int64_t copies,
                          Number("SELECT count(*) FROM meta WHERE key = 'epoch_copy'"));
  MUSTER_ASSIGN_OR_RETURN(const int64_t copy,
                          Number("SELECT ~value FROM meta WHERE key = 'epoch_copy'"));
  MUSTER_ASSIGN_OR_RETURN(const int64_t before,
                          Number("SELECT value FROM meta WHERE key = 'epoch'"));
  if (copies > 0 && copy != before) return Damaged("its epoch does not match the copy");
  Failpoint("store_before_epoch");
  MUSTER_RETURN_IF_ERROR(
      Exec("BEGIN IMMEDIATE;"
           "CREATE TRIGGER IF NOT EXISTS copy_epoch AFTER UPDATE ON meta WHEN NEW.key = 'epoch' "
           "BEGIN INSERT OR REPLACE INTO meta VALUES ('epoch_copy', ~NEW.value); END;"
           "UPDATE meta SET value = value + 1 WHERE key = 'epoch';"
           "COMMIT"));
  Failpoint("store_after_epoch");
  MUSTER_ASSIGN_OR_RETURN(state->epoch, Number("SELECT value FROM meta WHERE key = 'epoch'"));
  return state->epoch > 0 ? absl::OkStatus() : Damaged("it has no epoch");
}

absl::Status SqliteDb::ReadJobs(StoredState* state) {
  Statement select(this, "SELECT id, stop_cause, stop_reason, job, crc FROM jobs ORDER BY rowid");
  for (;;) {
    MUSTER_ASSIGN_OR_RETURN(const bool row, select.Next());
    if (!row) return absl::OkStatus();
    const std::string id = select.TextAt(0);
    const int cause = static_cast<int>(select.IntAt(1));
    JobRecord record;
    record.stop_cause = static_cast<StopCause>(cause);
    record.stop_reason = select.TextAt(2);
    const std::string bytes = select.TextAt(3);
    if (JobCrc(id, cause, record.stop_reason, bytes) != select.IntAt(4) ||
        !record.job.ParseFromString(bytes) || record.job.id() != id) {
      return Damaged(
          absl::StrCat("the record of job ", id.substr(0, 64), " does not match its sum"));
    }
    state->jobs.push_back(std::move(record));
  }
}

absl::Status SqliteDb::ReadRequests(StoredState* state) {
  Statement select(this, "SELECT id, job_id, made_us, crc FROM requests");
  for (;;) {
    MUSTER_ASSIGN_OR_RETURN(const bool row, select.Next());
    if (!row) return absl::OkStatus();
    RequestRecord request{select.TextAt(0), select.TextAt(1),
                          absl::FromUnixMicros(select.IntAt(2))};
    if (RequestCrc(request.request_id, request.job_id, select.IntAt(2)) != select.IntAt(3)) {
      return Damaged("the record of a request id does not match its sum");
    }
    state->requests.push_back(std::move(request));
  }
}

absl::Status SqliteDb::ReadNodes(StoredState* state) {
  Statement select(this, "SELECT id, cordoned, draining, reason, crc FROM nodes");
  for (;;) {
    MUSTER_ASSIGN_OR_RETURN(const bool row, select.Next());
    if (!row) return absl::OkStatus();
    NodeRecord node{select.TextAt(0), select.IntAt(1) != 0, select.IntAt(2) != 0, select.TextAt(3)};
    if (NodeCrc(node) != select.IntAt(4)) {
      return Damaged("the record of a node does not match its sum");
    }
    state->nodes.push_back(std::move(node));
  }
}

absl::Status SqliteDb::Apply(const std::vector<const StateBatch*>& batches) {
  absl::Status status = Exec("BEGIN IMMEDIATE");
  for (const StateBatch* batch : batches) {
    if (status.ok()) status = Put(*batch);
  }
  Failpoint("store_in_transaction");
  if (status.ok()) status = Exec("COMMIT");
  if (!status.ok() && sqlite3_get_autocommit(db_) == 0) {
    const absl::Status rollback = Exec("ROLLBACK");
    if (!rollback.ok()) return rollback;
  }
  return status;
}

absl::Status SqliteDb::Put(const StateBatch& batch) {
  for (const JobRecord& record : batch.put_jobs) MUSTER_RETURN_IF_ERROR(PutJob(record));
  for (const std::string& id : batch.remove_jobs) {
    MUSTER_RETURN_IF_ERROR(Statement(this, "DELETE FROM jobs WHERE id = ?").Text(id).Run());
  }
  for (const RequestRecord& request : batch.put_requests) {
    MUSTER_RETURN_IF_ERROR(PutRequest(request));
  }
  for (const NodeRecord& node : batch.put_nodes) MUSTER_RETURN_IF_ERROR(PutNode(node));
  if (batch.forget_requests_before == absl::InfinitePast()) return absl::OkStatus();
  return Statement(this, "DELETE FROM requests WHERE made_us < ?")
      .Int(absl::ToUnixMicros(batch.forget_requests_before))
      .Run();
}

absl::Status SqliteDb::PutJob(const JobRecord& record) {
  const v1::JobStatus& status = record.job.status();
  const std::string bytes = record.job.SerializeAsString();
  const int cause = static_cast<int>(record.stop_cause);
  return Statement(this,
                   "INSERT INTO jobs (id, state, submit_ms, stop_cause, stop_reason, job, crc) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                   "state = excluded.state, stop_cause = excluded.stop_cause, "
                   "stop_reason = excluded.stop_reason, job = excluded.job, crc = excluded.crc")
      .Text(record.job.id())
      .Int(status.state())
      .Int(status.submit_time().seconds() * 1000 + status.submit_time().nanos() / 1000000)
      .Int(cause)
      .Text(record.stop_reason)
      .Blob(bytes)
      .Int(JobCrc(record.job.id(), cause, record.stop_reason, bytes))
      .Run();
}

absl::Status SqliteDb::PutRequest(const RequestRecord& request) {
  const int64_t made_us = absl::ToUnixMicros(request.made);
  return Statement(this,
                   "INSERT OR REPLACE INTO requests (id, job_id, made_us, crc) VALUES (?, ?, ?, ?)")
      .Text(request.request_id)
      .Text(request.job_id)
      .Int(made_us)
      .Int(RequestCrc(request.request_id, request.job_id, made_us))
      .Run();
}

absl::Status SqliteDb::PutNode(const NodeRecord& node) {
  if (!node.cordoned && !node.draining) {
    return Statement(this, "DELETE FROM nodes WHERE id = ?").Text(node.node_id).Run();
  }
  return Statement(this,
                   "INSERT OR REPLACE INTO nodes (id, cordoned, draining, reason, crc) VALUES (?, "
                   "?, ?, ?, ?)")
      .Text(node.node_id)
      .Int(node.cordoned ? 1 : 0)
      .Int(node.draining ? 1 : 0)
      .Text(node.reason)
      .Int(NodeCrc(node))
      .Run();
}

absl::Status SqliteDb::Checkpoint() {
  if (log_pages_ < checkpoint_pages_) return absl::OkStatus();
  Failpoint("store_before_checkpoint");
  const int code =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  Failpoint("store_after_checkpoint");
  if (code == SQLITE_OK) return absl::OkStatus();
  const absl::Status status = Error("checkpoint", code);
  return absl::IsResourceExhausted(status) ? absl::OkStatus() : status;
}

absl::Status SqliteDb::Exec(const char* sql) {
  const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error("write", code);
}

absl::StatusOr<int64_t> SqliteDb::Number(const char* sql) {
  Statement select(this, sql);
  MUSTER_ASSIGN_OR_RETURN(const bool row, select.Next());
  return row ? select.IntAt(0) : 0;
}

absl::Status SqliteDb::Error(absl::string_view doing, int code) const {
  if (IsDiskFull(code, path_)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("state file ", path_, ": the disk is full; free some space"));
  }
  const char* const text = db_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db_);
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:  // A table that is not there.
      return Damaged(text);
    case SQLITE_BUSY:
      return absl::FailedPreconditionError(
          absl::StrCat("state file ", path_, ": another process has it open; stop that one first"));
    default:
      return absl::InternalError(absl::StrCat("state file ", path_, ": ", doing, ": ", text));
  }
}

absl::Status SqliteDb::Damaged(absl::string_view how) const {
  return absl::DataLossError(
      absl::StrCat("state file ", path_, " is damaged: ", how,
                   "; restore a copy, or move it and its -wal away to begin empty"));
}

}  // namespace muster

#ifndef MUSTER_AGENT_TASK_GANG_DIR_H_
#define MUSTER_AGENT_TASK_GANG_DIR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "muster/v1/agent_service.pb.h"
#include "muster/v1/task.pb.h"

namespace muster {

// That this host means to start a gang: the write-ahead record of Gangs.
struct Intent {
  v1::StartGangRequest request;
  std::string boot_id;      // Of the kernel under which it was written.
  absl::Duration boottime;  // CLOCK_BOOTTIME then.
};

// Names what belongs to one gang below the state directory, and reads and writes the agent's share:
//
//   STATE/jobs/JOB/ATTEMPT/intent   an Intent; a directory without one was never begun
//                          stop     a StopGang was taken (its grace in ms)
//                          report   the final GangReport
//                          acked    the scheduler has the final report
//                          tries    how many agents have died while they took the gang up
//                          plan lock sock exits logs/   msshim's (agent/shim/shim_plan.h)
//
// A value: holds paths, no state. Its calls block.
class GangDir {
 public:
  // INVALID_ARGUMENT when `job_id` could name anything but one directory below STATE/jobs, or
  // `attempt` is negative.
  static absl::StatusOr<GangDir> Make(const std::string& state_dir, const std::string& job_id,
                                      int attempt);
  // (job, attempt) of every directory that looks like a gang's, by job, then attempt.
  static absl::StatusOr<std::vector<std::pair<std::string, int>>> List(
      const std::string& state_dir);

  const std::string& job_id() const { return job_id_; }
  int attempt() const { return attempt_; }
  const std::string& path() const { return path_; }
  std::string plan_path() const { return path_ + "/plan"; }
  std::string logs_path() const { return path_ + "/logs"; }

  // Makes the directory. Returns those whose entries must be synced for it to be durable.
  absl::StatusOr<std::vector<std::string>> Create() const;
  // Renames the directory to STATE/quarantine/JOB-ATTEMPT.N, for people to look at.
  absl::Status Quarantine() const;
  // Removes everything, and the job's directory with its last attempt.
  absl::Status Remove() const;

  // Durable but for the directory entry, which the caller syncs (see Create).
  absl::Status WriteIntent(const Intent& intent, bool durable) const;
  // NOT_FOUND: there is none. DATA_LOSS: it is damaged.
  absl::StatusOr<Intent> ReadIntent() const;

  // Survives the agent, not the host: whoever stopped the host stopped the ranks too.
  absl::Status WriteStop(absl::Duration grace) const;
  absl::StatusOr<absl::Duration> ReadStop() const;  // NOT_FOUND: no stop was taken. DATA_LOSS.

  absl::Status WriteReport(const v1::GangReport& report) const;
  absl::StatusOr<v1::GangReport> ReadReport() const;  // NOT_FOUND, DATA_LOSS.

  absl::Status WriteAcked() const;
  // When; NOT_FOUND: not yet.
  absl::StatusOr<absl::Time> ReadAcked() const;

  // An agent begins to take the gang up: counts it, until EndTry(). Returns how many had begun
  // before and have died of it.
  int BeginTry() const;
  void EndTry() const;

 private:
  GangDir(const std::string& state_dir, const std::string& job_id, int attempt);
  std::string File(absl::string_view name) const;

  std::string state_dir_;
  std::string job_id_;
  int attempt_;
  std::string path_;
};

// Of the running kernel.
std::string BootId();

}  // namespace muster

#endif  // MUSTER_AGENT_TASK_GANG_DIR_H_

#include "agent/task/gang_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/task/sealed_file.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/base/unique_fd.h"
#include "common/job/job_names.h"

namespace muster {
namespace {

constexpr size_t kShownJobId = 64;  // Bytes of a wrong id that an error shows.
constexpr char kIntentKind[] = "intent";
constexpr char kReportKind[] = "report";
constexpr char kStopKind[] = "stop";

std::string JobsDir(const std::string& state_dir) { return JoinPath(state_dir, "jobs"); }

absl::Status SyncFile(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, path);
  if (fsync(fd.get()) == 0) return absl::OkStatus();
  return absl::DataLossError(ErrnoStatus(errno, absl::StrCat("fsync ", path)).message());
}

absl::StatusOr<std::string> ReadSealed(absl::string_view kind, const std::string& path) {
  MUSTER_ASSIGN_OR_RETURN(const std::string sealed, ReadFile(path));
  absl::StatusOr<std::string> bytes = Unseal(kind, sealed);
  if (!bytes.ok()) return Annotate(bytes.status(), path);
  return bytes;
}

}  // namespace

std::string BootId() {
  const absl::StatusOr<std::string> id = ReadFile("/proc/sys/kernel/random/boot_id");
  return id.ok() ? std::string(absl::StripAsciiWhitespace(*id)) : "";
}

absl::StatusOr<GangDir> GangDir::Make(const std::string& state_dir, const std::string& job_id,
                                      int attempt) {
  if (!IsJobId(job_id)) {
    return absl::InvalidArgumentError(
        absl::StrCat("job_id: \"", absl::CHexEscape(job_id.substr(0, kShownJobId)),
                     "\" is not a job's id (a name, '-' and six hexadecimal digits)"));
  }
  if (attempt < 0) {
    return absl::InvalidArgumentError(absl::StrCat("attempt: ", attempt, " is negative"));
  }
  return GangDir(state_dir, job_id, attempt);
}

GangDir::GangDir(const std::string& state_dir, const std::string& job_id, int attempt)
    : state_dir_(state_dir),
      job_id_(job_id),
      attempt_(attempt),
      path_(absl::StrCat(JobsDir(state_dir), "/", job_id, "/", attempt)) {}

absl::StatusOr<std::vector<std::pair<std::string, int>>> GangDir::List(
    const std::string& state_dir) {
  std::vector<std::pair<std::string, int>> gangs;
  const std::string jobs_dir = JobsDir(state_dir);
  if (!PathExists(jobs_dir)) return gangs;
  MUSTER_ASSIGN_OR_RETURN(const std::vector<std::string> jobs, ListDir(jobs_dir));
  for (const std::string& job : jobs) {
    if (!IsJobId(job)) continue;
    const absl::StatusOr<std::vector<std::string>> attempts = ListDir(JoinPath(jobs_dir, job));
    if (!attempts.ok()) continue;  // Not a directory.
    const size_t first = gangs.size();
    for (const std::string& name : *attempts) {
      int attempt;
      if (absl::SimpleAtoi(name, &attempt) && attempt >= 0 && absl::StrCat(attempt) == name) {
        gangs.emplace_back(job, attempt);
      }
    }
    std::sort(gangs.begin() + static_cast<std::ptrdiff_t>(first), gangs.end());
  }
  return gangs;
}

absl::StatusOr<std::vector<std::string>> GangDir::Create() const {
  MUSTER_RETURN_IF_ERROR(MakeDirs(path_));
  MUSTER_RETURN_IF_ERROR(MakeDirs(logs_path()));
  const std::string job_dir = DirName(path_);
  return std::vector<std::string>{path_, job_dir, JobsDir(state_dir_), state_dir_};
}

absl::Status GangDir::Quarantine() const {
  const std::string quarantine = JoinPath(state_dir_, "quarantine");
  MUSTER_RETURN_IF_ERROR(MakeDirs(quarantine));
  for (int i = 0;; ++i) {
    const std::string to = absl::StrCat(quarantine, "/", job_id_, "-", attempt_, ".", i);
    if (PathExists(to)) continue;
    if (rename(path_.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return ErrnoStatus(errno, absl::StrCat("move ", path_, " to ", to));
  }
}

absl::Status GangDir::Remove() const {
  MUSTER_RETURN_IF_ERROR(RemoveTree(path_));
  rmdir(DirName(path_).c_str());  // Stays while there are other attempts.
  return absl::OkStatus();
}

absl::Status GangDir::WriteIntent(const Intent& intent, bool durable) const {
  const std::string bytes =
      absl::StrCat(intent.boot_id, " ", absl::ToInt64Nanoseconds(intent.boottime), "\n",
                   intent.request.SerializeAsString());
  const std::string temporary = File("intent.tmp");
  MUSTER_RETURN_IF_ERROR(WriteFile(temporary, Seal(kIntentKind, bytes)));
  if (durable) MUSTER_RETURN_IF_ERROR(SyncFile(temporary));
  if (rename(temporary.c_str(), File(kIntentKind).c_str()) != 0) {
    return ErrnoStatus(errno, absl::StrCat("rename to ", File(kIntentKind)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Intent> GangDir::ReadIntent() const {
  const std::string path = File(kIntentKind);
  MUSTER_ASSIGN_OR_RETURN(const std::string bytes, ReadSealed(kIntentKind, path));
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(bytes, absl::MaxSplits('\n', 1));
  const std::pair<std::string, std::string> boot =
      absl::StrSplit(parts.first, absl::MaxSplits(' ', 1));
  Intent intent;
  intent.boot_id = boot.first;
  int64_t boottime_ns;
  if (!absl::SimpleAtoi(boot.second, &boottime_ns) ||
      !intent.request.ParseFromArray(parts.second.data(), static_cast<int>(parts.second.size()))) {
    return absl::DataLossError(absl::StrCat(path, ": cannot be parsed"));
  }
  intent.boottime = absl::Nanoseconds(boottime_ns);
  return intent;
}

absl::Status GangDir::WriteStop(absl::Duration grace) const {
  return WriteFile(File(kStopKind),
                   Seal(kStopKind, absl::StrCat(absl::ToInt64Milliseconds(grace))));
}

absl::StatusOr<absl::Duration> GangDir::ReadStop() const {
  const std::string path = File(kStopKind);
  MUSTER_ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  int64_t grace_ms;
  // Of a version that did not seal it.
  if (absl::SimpleAtoi(absl::StripAsciiWhitespace(file), &grace_ms)) {
    return absl::Milliseconds(grace_ms);
  }
  MUSTER_ASSIGN_OR_RETURN(const std::string text, ReadSealed(kStopKind, path));
  if (absl::SimpleAtoi(text, &grace_ms)) return absl::Milliseconds(grace_ms);
  return absl::DataLossError(absl::StrCat(path, ": not a number"));
}

absl::Status GangDir::WriteReport(const v1::GangReport& report) const {
  return WriteFile(File(kReportKind), Seal(kReportKind, report.SerializeAsString()));
}

absl::StatusOr<v1::GangReport> GangDir::ReadReport() const {
  const std::string path = File(kReportKind);
  MUSTER_ASSIGN_OR_RETURN(const std::string bytes, ReadSealed(kReportKind, path));
  v1::GangReport report;
  if (!report.ParseFromString(bytes)) {
    return absl::DataLossError(absl::StrCat(path, ": cannot be parsed"));
  }
  return report;
}

absl::Status GangDir::WriteAcked() const { return WriteFile(File("acked"), ""); }

absl::StatusOr<absl::Time> GangDir::ReadAcked() const {
  struct stat info;
  if (stat(File("acked").c_str(), &info) != 0) return ErrnoStatus(errno, File("acked"));
  return absl::TimeFromTimespec(info.st_mtim);
}

int GangDir::BeginTry() const {
  const std::string path = File("tries");
  int before = 0;
  // A number that cannot be read is none: at worst the gang is tried more often.
  if (const absl::StatusOr<std::string> text = ReadFile(path); text.ok()) {
    if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &before)) before = 0;
  }
  WriteFile(path, absl::StrCat(before + 1, "\n")).IgnoreError();
  return before;
}

void GangDir::EndTry() const { unlink(File("tries").c_str()); }

std::string GangDir::File(absl::string_view name) const { return JoinPath(path_, name); }

}  // namespace muster

#include "agent/process/rank_exit.h"

#include <errno.h>
#include <string.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace muster {
namespace {

// What besides the program a failed start was about, with the name that the user gave it.
std::string Subject(const JournalRecord& record, const ShimPlan& plan, const ShimRank& rank) {
  switch (record.step) {
    case StartStep::kWorkdir:
      return absl::StrCat("workdir '", rank.workdir, "'");
    case StartStep::kStdin:
      return absl::StrCat("stdin '", rank.stdin_path, "'");
    case StartStep::kCgroup:
      return absl::StrCat("cgroup '", plan.ranks_cgroup, "'");
    default:
      return "";
  }
}

absl::string_view GenericSubject(StartStep step) {
  switch (step) {
    case StartStep::kPipes:
      return "output pipes";
    case StartStep::kProcess:
      return "new process";
    case StartStep::kCgroup:
      return "cgroup";
    case StartStep::kSession:
      return "new session";
    case StartStep::kAffinity:
      return "core binding";
    case StartStep::kWorkdir:
      return "workdir";
    case StartStep::kStdin:
      return "stdin";
    case StartStep::kOutput:
      return "output";
    case StartStep::kJournal:
      return "exit journal";
    default:
      return "start";
  }
}

// Of a program that could not be executed.
absl::string_view Hint(const JournalRecord& record, const ShimRank* rank) {
  const bool looked_up =
      rank != nullptr && !rank->argv.empty() && !absl::StrContains(rank->argv[0], "/");
  switch (record.error) {
    case ENOENT:
      return looked_up ? "; it is not in the PATH of the rank"
                       : "; it, or the interpreter that it names, is not on this host";
    case ENOEXEC:
      return "; a script needs '#!' and its interpreter as the first line";
    case EACCES:
      return "; it must be a file with the permission to execute (chmod +x)";
    default:
      return "";
  }
}

std::string StartError(const JournalRecord& record, const ShimPlan* plan) {
  if (record.step == StartStep::kGangStopped) {
    return "not started: the gang was being stopped, mostly for a rank that had failed before";
  }
  if (record.step == StartStep::kNotRecorded) {
    return "unknown whether it ran: msshim died before it recorded the start";
  }
  const ShimRank* rank = nullptr;
  if (plan != nullptr && static_cast<size_t>(record.index) < plan->ranks.size()) {
    rank = &plan->ranks[static_cast<size_t>(record.index)];
  }
  const bool has_name = rank != nullptr && !rank->argv.empty();
  const std::string failed =
      absl::StrCat("cannot start ", has_name ? absl::StrCat("'", rank->argv[0], "'") : "it", ": ");
  if (record.step == StartStep::kProgram) {
    return absl::StrCat(failed, strerror(record.error), Hint(record, rank));
  }
  std::string subject = rank != nullptr ? Subject(record, *plan, *rank) : "";
  if (record.step == StartStep::kLimit) subject = absl::StrFormat("resource limit %d", record.code);
  if (subject.empty()) subject = std::string(GenericSubject(record.step));
  return absl::StrCat(failed, subject, ": ", strerror(record.error));
}

// A shell's distinction between 126 and 127.
bool NotExecutable(const JournalRecord& record) {
  return record.step == StartStep::kProgram && record.error != ENOENT && record.error != ENOTDIR;
}

}  // namespace

RankExit MakeRankExit(const JournalRecord& record, const ShimPlan* plan) {
  RankExit exit;
  exit.index = record.index;
  exit.restart = record.restart;
  exit.known = (record.flags & kUnknown) == 0;
  // Who cannot say that it did not run must not say so.
  const bool recorded = (record.flags & kNotStarted) == 0;
  exit.started = recorded || !exit.known;
  exit.code = exit.started ? record.code : 0;
  exit.signal = record.signal;
  exit.core_dumped = (record.flags & kCoreDumped) != 0;
  exit.out_of_memory = (record.flags & kOutOfMemory) != 0;
  exit.stopped = (record.flags & kStopped) != 0;
  if (!recorded) {
    exit.not_executable = NotExecutable(record);
    exit.error = StartError(record, plan);
  } else if (!exit.known) {
    exit.error = "nobody saw its exit: msshim had died, and the kernel does not tell";
  }
  exit.boottime_ns = record.boottime_ns;
  exit.wall = absl::FromUnixNanos(record.wall_ns);
  exit.out_bytes = record.out_bytes;
  exit.err_bytes = record.err_bytes;
  return exit;
}

}  // namespace muster

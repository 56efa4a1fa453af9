#include "ctl/frontend/paddle/pod_runner.h"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "ctl/frontend/paddle/gpu_log.h"

namespace muster {
namespace {

constexpr int64_t kTailBytes = 3000;
// For processes that are not waited for, once those that are have ended.
constexpr absl::Duration kServerGrace = absl::Seconds(3);
// They get this long from their start on at least: interpreters that are ended while they start
// leave strange messages.
constexpr absl::Duration kLeastLife = absl::Seconds(1);

int64_t SizeOf(const std::string& path) {
  struct stat file;
  return stat(path.c_str(), &file) == 0 ? file.st_size : 0;
}

// As Python's subprocess says it: -15 for a process that SIGTERM ended.
int PythonCode(const ProcessEnd& end) { return end.signal != 0 ? -end.signal : end.code; }

}  // namespace

PodRunner::PodRunner(EventLoop* loop, ProcessSet* processes, LogFollower* follower, LaunchLog* log,
                     std::function<void(absl::string_view)> write_stdout)
    : loop_(loop),
      processes_(processes),
      follower_(follower),
      log_(log),
      write_stdout_(std::move(write_stdout)) {
  processes_->set_on_end([this](int index, const ProcessEnd& end) { OnEnd(index, end); });
}

PodRunner::~PodRunner() { loop_->Cancel(rest_timer_); }

absl::Status PodRunner::Start(const PodPlan& plan, const PodSettings& settings,
                              std::function<void(const PodEnd& end)> on_end) {
  by_index_.clear();
  over_ = false;
  awaited_ = running_ = 0;
  began_ = loop_->clock()->Boot();
  pod_name_ = settings.pod_name;
  on_end_ = std::move(on_end);
  for (const std::string& note : plan.notes) write_stdout_(absl::StrCat(note, "\n"));
  MUSTER_RETURN_IF_ERROR(MakeDirs(settings.log_dir, 0777));
  log_->Info(
      absl::StrCat("Run Pod: ", pod_name_, ", replicas ", plan.processes.size(), ", status ready"));
  for (const PodProcess& process : plan.processes) {
    MUSTER_RETURN_IF_ERROR(StartProcess(process));
  }
  const std::optional<ProcessSpec> gpu_log = GpuLogProcess(settings);
  if (gpu_log.has_value()) processes_->Start(*gpu_log).IgnoreError();  // The job needs none.
  FollowFirst();
  log_->Info(absl::StrCat("Watching ", Summary("running")));
  return absl::OkStatus();
}

absl::Status PodRunner::StartProcess(const PodProcess& plan) {
  for (const PodFile& file : plan.files) {
    MUSTER_RETURN_IF_ERROR(WriteFile(file.path, file.text, 0600));
  }
  Process process{plan, plan.spec.append ? SizeOf(plan.spec.out_path) : 0};
  MUSTER_ASSIGN_OR_RETURN(const int index, processes_->Start(plan.spec));
  by_index_.emplace(index, std::move(process));
  ++running_;
  if (plan.awaited) ++awaited_;
  return absl::OkStatus();
}

void PodRunner::FollowFirst() {
  const Process& first = by_index_.begin()->second;
  const std::string& path = first.plan.spec.out_path;
  // A later pod writes on in the same file, and the follower is still there.
  if (!followed_.insert(path).second) return;
  const absl::Status status = follower_->Follow(path, first.log_begin, write_stdout_);
  if (!status.ok()) log_->Warning(absl::StrCat("its output is not shown: ", status.message()));
}

void PodRunner::Stop(absl::Duration grace, std::function<void()> done) {
  over_ = true;
  loop_->Cancel(std::exchange(rest_timer_, 0));
  processes_->Stop(grace, [this, done = std::move(done)] {
    follower_->Look();
    done();
  });
}

void PodRunner::OnEnd(int index, const ProcessEnd& end) {
  const auto found = by_index_.find(index);
  if (found == by_index_.end() || over_ || end.stopped_by_us) return;
  if (end.code != 0 && awaited_ > 0) return Failed(index, end);
  if (found->second.plan.awaited) --awaited_;
  --running_;
  if (running_ == 0) return Completed();
  if (awaited_ > 0 || rest_timer_ != 0) return;
  // Servers that wait for ever have done their work.
  const absl::Duration age = loop_->clock()->Boot() - began_;
  rest_timer_ =
      loop_->After(kLeastLife - age, [this] { Stop(kServerGrace, [this] { Completed(); }); });
}

void PodRunner::Completed() {
  over_ = true;
  loop_->Cancel(std::exchange(rest_timer_, 0));
  follower_->Look();
  log_->Info("Pod completed");
  std::exchange(on_end_, nullptr)(PodEnd());
}

void PodRunner::Failed(int index, const ProcessEnd& end) {
  over_ = true;
  loop_->Cancel(std::exchange(rest_timer_, 0));
  follower_->Look();
  const Process& process = by_index_.at(index);
  const int rank = index - by_index_.begin()->first;
  log_->Info("Pod failed");
  log_->Error(absl::StrCat("Container failed !!!\nContainer rank ", rank, " status failed cmd ",
                           PythonList(process.plan.spec.argv), " code ", PythonCode(end), " log ",
                           process.plan.spec.out_path));
  log_->Info("------------------------- ERROR LOG DETAIL -------------------------");
  ShowLogTail(process);
  PodEnd result;
  result.exit_code = end.signal != 0 ? 256 - end.signal : end.code;
  result.what = end.signal != 0
                    ? absl::StrCat("process ", rank, " was ended by signal ", end.signal, " (",
                                   strsignal(end.signal), ")")
                    : absl::StrCat("process ", rank, " ended with exit code ", end.code);
  std::exchange(on_end_, nullptr)(result);
}

void PodRunner::ShowLogTail(const Process& process) {
  const std::string& path = process.plan.spec.out_path;
  const int64_t size = SizeOf(path);
  const int64_t begin = std::max(process.log_begin, size - kTailBytes);
  if (begin >= size) return;
  std::ifstream file(path, std::ios::binary);
  file.seekg(begin);
  std::string tail(static_cast<size_t>(size - begin), '\0');
  file.read(tail.data(), static_cast<std::streamsize>(tail.size()));
  tail.resize(static_cast<size_t>(file.gcount()));
  write_stdout_(tail);
  if (!tail.empty() && tail.back() != '\n') write_stdout_("\n");
}

std::string PodRunner::Summary(absl::string_view status) const {
  return absl::StrCat("Pod: ", pod_name_, ", replicas ", by_index_.size(), ", status ", status);
}

}  // namespace muster

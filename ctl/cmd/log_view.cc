#include "ctl/cmd/log_view.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/job/job_names.h"

namespace muster {
namespace {

// The role whose ranks are known by their number alone.
std::string MainRole(const v1::JobSpec& spec) {
  return spec.roles_size() == 1 ? spec.roles(0).name() : kWorkerRole;
}

}  // namespace

std::vector<FlagSpec> LogViewFlags() {
  return {{"prefix", 0, FlagType::kBool, "",
           "puts each line behind its rank's number (default: with several ranks)"},
          {"timestamps", 0, FlagType::kBool, "", "puts the time before each line"}};
}

LogView::Options LogViewOptions(const Flags& flags) {
  LogView::Options options;
  if (flags.Has("prefix")) options.prefix = flags.Bool("prefix");
  options.timestamps = flags.Bool("timestamps");
  return options;
}

LogView::LogView(const Options& options, const LogSelection& selection, Session* session,
                 Progress* progress, EventLoop* loop, std::function<void()> on_broken)
    : options_(options),
      selection_(selection),
      session_(session),
      progress_(progress),
      loop_(loop),
      on_broken_(std::move(on_broken)) {}

void LogView::Begin(const v1::Job& job) {
  const std::string role = RoleOf(selection_, job.spec()).value_or("");
  size_t ranks = 0;
  int highest = 0;
  if (!job.status().attempts().empty()) {
    for (const v1::NodePlacement& node : job.status().attempts().rbegin()->placement().nodes()) {
      for (const CursorBook::Rank& rank : SelectRanks(selection_, role, node)) {
        ++ranks;
        highest = std::max(highest, rank.rank);
      }
    }
  }
  LogPrinter::Options options;
  options.prefix = options_.prefix.value_or(ranks != 1);
  options.timestamps = options_.timestamps;
  options.raw = ranks == 1 && !options.prefix && !options.timestamps;
  options.main_role = MainRole(job.spec());
  options.label_width = static_cast<int>(absl::StrCat(highest).size());
  printer_ = std::make_unique<LogPrinter>(options, session_->out(), session_->out_terminal(),
                                          session_->err(), session_->err_terminal());
}

void LogView::Print(const v1::Job& job, const v1::ReadLogsResponse& message) {
  if (broken_) return;
  if (printer_ == nullptr) Begin(job);
  if (progress_ != nullptr) progress_->Clear();
  printer_->Print(message);
  FlushSoon();
}

void LogView::FlushSoon() {
  if (std::exchange(flush_posted_, true)) return;
  loop_->Post([this] { Flush(); });
}

void LogView::Flush() {
  flush_posted_ = false;
  session_->out()->Flush();
  session_->err()->Flush();
  if (session_->out()->broken() && !std::exchange(broken_, true)) on_broken_();
}

void LogView::Finish() {
  if (printer_ != nullptr) printer_->Finish();
  session_->out()->Flush();
  session_->err()->Flush();
}

}  // namespace muster

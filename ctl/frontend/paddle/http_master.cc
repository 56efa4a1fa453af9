#include "ctl/frontend/paddle/http_master.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status.h"

namespace muster {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(200);
constexpr absl::Duration kReportEvery = absl::Seconds(5);
// Waiting nodes write themselves again twice a second. Who does not is gone.
constexpr absl::Duration kStale = absl::Seconds(10);
// The name of the node that serves: it sorts before all others, which makes it rank 0.
constexpr char kFirstName[] = "aaaaaa";

}  // namespace

HttpMaster::HttpMaster(EventLoop* loop, LaunchLog* log, const Options& options)
    : loop_(loop),
      log_(log),
      options_(options),
      prefix_(absl::StrCat("/", options.job_id, "/info")) {}

HttpMaster::~HttpMaster() {
  for (const EventLoop::TimerId timer : {timer_, report_timer_, deadline_timer_}) {
    loop_->Cancel(timer);
  }
}

absl::Status HttpMaster::Open() {
  if (options_.serve) {
    absl::StatusOr<std::unique_ptr<KvServer>> server = KvServer::Start(options_.port);
    if (server.ok()) {
      server_ = *std::move(server);
      options_.port = server_->port();
      server_->Notify(loop_, [this] {
        const bool waits = done_ != nullptr && healthy_;
        if (waits && server_->WithPrefix(prefix_).size() != entries_.size()) {
          Again(absl::ZeroDuration(), &HttpMaster::Read);
        }
      });
    } else if (!absl::IsAlreadyExists(server.status())) {
      return Annotate(server.status(), "cannot serve the job's master");
    }  // Else another launcher of this host serves: this one is its client.
  }
  client_ = KvClient::Create(loop_, serves() ? "127.0.0.1" : options_.host, options_.port);
  return absl::OkStatus();
}

void HttpMaster::Join(const PaddleNode& own, OnNodes done) {
  own_ = own;
  own_key_ = absl::StrCat(prefix_, "/", own.rank < 0 && serves() ? kFirstName : own.name.c_str(),
                          "/", own.rank);
  own_value_ = own.ToJson();
  done_ = std::move(done);
  began_ = loop_->clock()->Boot();
  log_->Info("Waiting peer start...");
  report_timer_ = loop_->After(kReportEvery, [this] { Report(); });
  deadline_timer_ = loop_->After(options_.timeout, [this] { Finish(TooLate()); });
  CheckHealth();
}

void HttpMaster::Again(absl::Duration delay, void (HttpMaster::*step)()) {
  loop_->Cancel(timer_);
  timer_ = loop_->After(delay, [this, step] { (this->*step)(); });
}

void HttpMaster::CheckHealth() {
  client_->CheckHealth([this](const absl::Status& status) {
    if (done_ == nullptr) return;
    trouble_ = std::string(status.message());
    if (!status.ok()) return Again(kPause, &HttpMaster::CheckHealth);
    healthy_ = true;
    Put();
  });
}

void HttpMaster::Put() {
  client_->Put(own_key_, own_value_, [this](const absl::Status& status) {
    if (done_ == nullptr) return;
    trouble_ = std::string(status.message());
    if (!status.ok()) return Again(kPause, &HttpMaster::Put);
    Read();
  });
}

void HttpMaster::Read() {
  if (serves()) server_->EraseStale(prefix_, kStale);
  client_->WithPrefix(prefix_, [this](const auto& entries) {
    if (done_ == nullptr) return;
    if (entries.ok()) return OnEntries(*entries);
    trouble_ = std::string(entries.status().message());
    Again(kPause, &HttpMaster::Put);
  });
}

void HttpMaster::OnEntries(const std::map<std::string, std::string>& entries) {
  const bool changed = entries.size() != entries_.size();
  entries_ = entries;
  if (static_cast<int>(entries.size()) == options_.size) {
    return Finish(OrderPaddleNodes(entries, own_, options_.sort_ip));
  }
  if (changed) log_->Info(Present());
  Again(kPause, &HttpMaster::Put);
}

std::string HttpMaster::Present() const {
  std::vector<std::string> names;
  for (const auto& [key, value] : entries_) {
    const absl::StatusOr<PaddleNode> node = ParsePaddleNode(value);
    const std::string address = node.ok() ? node->Address() : "?";
    const bool ranked = node.ok() && node->rank >= 0;
    names.push_back(ranked ? absl::StrCat(address, " (rank ", node->rank, ")") : address);
  }
  return absl::StrCat(entries_.size(), " of ", options_.size,
                      " nodes are here: ", names.empty() ? "none" : absl::StrJoin(names, ", "));
}

void HttpMaster::Report() {
  const absl::Duration left = began_ + options_.timeout - loop_->clock()->Boot();
  const std::string until =
      absl::StrCat("; waiting ", absl::ToInt64Seconds(left), " s more at most");
  if (!trouble_.empty() || !healthy_) {
    log_->Warning(absl::StrCat("master not ready: ", trouble_, until));
  } else {
    log_->Warning(absl::StrCat(Present(), until));
  }
  report_timer_ = loop_->After(kReportEvery, [this] { Report(); });
}

absl::Status HttpMaster::TooLate() const {
  const std::string after = absl::FormatDuration(options_.timeout);
  if (!healthy_) {
    return absl::DeadlineExceededError(absl::StrCat(
        "the master ", options_.host, ":", options_.port, " was not there within ", after, ": ",
        trouble_.empty() ? "no answer" : trouble_, "; 1 of ", options_.size,
        " nodes is here; start the launcher on the master's node, or check --master"));
  }
  const int surplus = static_cast<int>(entries_.size()) - options_.size;
  return absl::DeadlineExceededError(
      absl::StrCat("after ", after, surplus > 0 ? " " : " only ", Present(),
                   surplus > 0 ? "; stop those that do not belong to this job"
                               : "; start the same command on the others with --master ",
                   surplus > 0 ? "" : absl::StrCat(options_.host, ":", options_.port),
                   ", or raise --elastic_timeout"));
}

void HttpMaster::Finish(const absl::StatusOr<PaddleNodes>& nodes) {
  for (const EventLoop::TimerId timer : {timer_, report_timer_, deadline_timer_}) {
    loop_->Cancel(timer);
  }
  std::exchange(done_, nullptr)(nodes);
}

void HttpMaster::Leave(std::function<void()> done) {
  if (done_ == nullptr || client_ == nullptr) return done();
  done_ = nullptr;
  for (const EventLoop::TimerId timer : {timer_, report_timer_, deadline_timer_}) {
    loop_->Cancel(timer);
  }
  client_->Erase(own_key_, [done = std::move(done)](const absl::Status&) { done(); });
}

}  // namespace muster

#include "ctl/frontend/paddle/http_job.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace muster {

HttpJob::HttpJob(const PaddleJobParts& parts, PaddleMode mode, std::unique_ptr<HttpMaster> master)
    : parts_(parts), mode_(mode), master_(std::move(master)) {}

void HttpJob::Start() {
  const absl::StatusOr<PaddleNode> own = OfferPaddleNode(*parts_.settings, mode_, parts_.ports);
  if (!own.ok()) {
    parts_.log->Error(own.status().message());
    return parts_.finish(1);
  }
  master_->Join(*own, [this](const absl::StatusOr<PaddleNodes>& nodes) {
    if (nodes.ok()) return OnNodes(*nodes);
    parts_.log->Error(nodes.status().message());
    if (absl::IsInvalidArgument(nodes.status())) return Refuse(nodes.status());
    parts_.finish(1);
  });
}

void HttpJob::Refuse(const absl::Status& why) {
  ending_ = true;
  Watch(parts_.settings->flags.max_nodes - 1, [](const PeerFailure&) {});
  watch_->End(1, why.message(), [this] { parts_.finish(1); });
}

void HttpJob::Watch(int peers, std::function<void(const PeerFailure& failure)> on_failure) {
  const PodSettings& settings = *parts_.settings;
  watch_ =
      std::make_unique<PeerWatch>(parts_.loop, master_->client(), settings.flags.job_id,
                                  settings.pod_name, settings.node_ip, master_->serves(), peers);
  watch_->Start(std::move(on_failure));
}

void HttpJob::OnNodes(const PaddleNodes& nodes) {
  parts_.note_nodes(nodes.nodes);
  const PodSettings& settings = *parts_.settings;
  Watch(static_cast<int>(nodes.nodes.size()) - 1,
        [this](const PeerFailure& failure) { OnPeerFailure(failure); });
  absl::StatusOr<PodPlan> plan = PlanPaddlePod(settings, mode_, nodes, settings.flags.max_nodes);
  absl::Status status = plan.status();
  if (status.ok()) {
    status = parts_.runner->Start(*plan, settings, [this](const PodEnd& end) { OnPodEnd(end); });
  }
  if (status.ok()) return;
  parts_.log->Error(status.message());
  End(1, std::string(status.message()));
}

void HttpJob::OnPodEnd(const PodEnd& end) {
  if (ending_) return;
  if (end.exit_code != 0) return End(end.exit_code, end.what);
  ending_ = true;
  watch_->End(0, "", [this] { parts_.finish(0); });
}

void HttpJob::OnPeerFailure(const PeerFailure& failure) {
  if (std::exchange(ending_, true)) return;
  parts_.log->Error(absl::StrCat("node ", failure.node, " failed: ", failure.what,
                                 "; stopping the processes here"));
  parts_.runner->Stop(kPaddleFailureGrace, [this, failure] {
    watch_->End(failure.exit_code, failure.what,
                [this, failure] { parts_.finish(failure.exit_code); });
  });
}

void HttpJob::End(int exit_code, const std::string& what) {
  ending_ = true;
  auto left = std::make_shared<int>(2);  // The stop here, and the word to the others.
  const auto one_done = [this, exit_code, left] {
    if (--*left == 0) parts_.finish(exit_code);
  };
  watch_->End(exit_code, what, one_done);
  parts_.runner->Stop(kPaddleFailureGrace, one_done);
}

void HttpJob::Leave(int exit_code, const std::string& what, std::function<void()> done) {
  if (std::exchange(ending_, true)) return done();
  if (watch_ != nullptr) return watch_->End(exit_code, what, std::move(done));
  master_->Leave(std::move(done));
}

}  // namespace muster

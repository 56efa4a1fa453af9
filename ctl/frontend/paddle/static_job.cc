#include "ctl/frontend/paddle/static_job.h"

#include <utility>

namespace muster {

StaticJob::StaticJob(const PaddleJobParts& parts, PodPlan plan)
    : parts_(parts), plan_(std::move(plan)) {}

void StaticJob::Start() {
  const absl::Status started = parts_.runner->Start(
      plan_, *parts_.settings,
      [this](const PodEnd& end) { end.exit_code == 0 ? parts_.finish(0) : Stop(end.exit_code); });
  if (started.ok()) return;
  parts_.log->Error(started.message());
  Stop(1);
}

void StaticJob::Stop(int exit_code) {
  parts_.runner->Stop(kPaddleFailureGrace, [this, exit_code] { parts_.finish(exit_code); });
}

void StaticJob::Leave(int /*exit_code*/, const std::string& /*what*/, std::function<void()> done) {
  done();
}

}  // namespace muster

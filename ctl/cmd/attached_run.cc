#include "ctl/cmd/attached_run.h"

#include <unistd.h>

#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/event_loop.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/job/job_defaults.h"
#include "ctl/client/grpc_job_source.h"
#include "ctl/client/sure_submit.h"
#include "ctl/cmd/attachment.h"
#include "ctl/cmd/session.h"
#include "ctl/cmd/signals.h"
#include "ctl/local/local_engine.h"
#include "ctl/local/local_job_source.h"
#include "muster/v1/job_service.pb.h"

extern char** environ;

namespace muster {
namespace {

Attachment::Options AttachmentOptions(const Session& session, const LogSelection& shown) {
  Attachment::Options options;
  options.give_up_after = session.timeout();
  options.logs = LogViewOptions(session.flags());
  options.shown = shown;
  options.stop_on_interrupt = session.flags().Bool("cancel_on_interrupt");
  return options;
}

bool WantsDevices(const v1::JobSpec& spec) {
  if (spec.devices_per_rank().count() > 0) return true;
  for (const v1::RoleSpec& role : spec.roles()) {
    if (DevicesOf(spec, role).count() > 0) return true;
  }
  return false;
}

}  // namespace

std::vector<FlagSpec> AttachFlags() {
  std::vector<FlagSpec> flags = {
      {"cancel_on_interrupt", 0, FlagType::kBool, "", "Ctrl-C cancels the job; for CI"},
  };
  for (const FlagSpec& flag : LogViewFlags()) flags.push_back(flag);
  return flags;
}

v1::SubmitJobRequest NewSubmitRequest(const v1::JobSpec& spec) {
  v1::SubmitJobRequest request;
  *request.mutable_spec() = spec;
  request.set_request_id(RandomHex(32));
  return request;
}

absl::StatusOr<int> RunAttached(const Invocation& invocation, const v1::JobSpec& spec,
                                const LogSelection& shown) {
  Signals signals;
  EventLoop loop;
  Session session(invocation, signals.fd());
  MUSTER_ASSIGN_OR_RETURN(
      const std::unique_ptr<GrpcJobSource> source,
      GrpcJobSource::Connect(session.address(), session.security(), session.timeout(), &loop));
  Attachment attachment(AttachmentOptions(session, shown), source.get(), &loop, &session, &signals);
  return attachment.Run(NewSubmitRequest(spec));
}

absl::StatusOr<int> RunLocally(const Invocation& invocation, const v1::JobSpec& spec,
                               const std::string& notice, const LogSelection& shown) {
  Signals signals;
  Session session(invocation, signals.fd());
  LocalEngine::Options options;
  MUSTER_ASSIGN_OR_RETURN(options.shim_path, FindShim(invocation.flags.String("shim_path")));
  options.probe_devices = WantsDevices(spec);
  // A local run is like the program alone: it gets the whole environment of the caller.
  options.base_env = OwnEnvironment();
  EventLoop loop;  // Before the engine, whose thread posts to it until the end.
  MUSTER_ASSIGN_OR_RETURN(const std::unique_ptr<LocalEngine> engine, LocalEngine::Start(options));
  if (!session.quiet() && !notice.empty()) {
    session.err()->Write(absl::StrCat("muster: ", notice, "\n"));
    session.err()->Flush();
  }
  LocalJobSource source(engine.get(), &loop);
  Attachment::Options attach = AttachmentOptions(session, shown);
  attach.local = true;
  attach.kill = [&engine](const std::string&) { engine->KillAll(); };
  Attachment attachment(attach, &source, &loop, &session, &signals);
  return attachment.Run(NewSubmitRequest(spec));
}

absl::StatusOr<int> SubmitOnly(const Invocation& invocation, const v1::JobSpec& spec) {
  Session session(invocation);
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, session.Api());
  MUSTER_ASSIGN_OR_RETURN(const v1::Job job, SubmitSurely(api, NewSubmitRequest(spec)));
  session.RememberJob(job.id());
  if (session.format() == Format::kJson || session.format() == Format::kYaml) {
    session.PrintMessage(job);
    return 0;
  }
  session.out()->Write(absl::StrCat(job.id(), "\n"));
  session.out()->Flush();
  if (!session.quiet() && session.format() == Format::kTable) {
    session.err()->Write(absl::StrCat("submitted; 'msctl logs -f ", job.id(), "' follows it\n"));
  }
  return 0;
}

std::map<std::string, std::string> OwnEnvironment() {
  std::map<std::string, std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos && equals > 0) {
      env[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  return env;
}

}  // namespace muster

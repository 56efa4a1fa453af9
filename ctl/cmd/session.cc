#include "ctl/cmd/session.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "agent/base_env.h"
#include "common/base/status.h"
#include "common/rpc/error_details.h"
#include "ctl/view/message_text.h"

namespace muster {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
constexpr int kNewestJobs = 100;  // Among which this user's is looked for.

Format FormatOf(const std::string& word) {
  if (word == "json") return Format::kJson;
  if (word == "yaml") return Format::kYaml;
  return word == "name" ? Format::kName : Format::kTable;
}

}  // namespace

FlagSpec OutputFlag(const std::string& choices) {
  return {"output", 'o', FlagType::kChoice, choices, "how to print the result"};
}

FlagSpec QuietFlag(const std::string& help) { return {"quiet", 'q', FlagType::kBool, "", help}; }

Session::Session(const Invocation& invocation, int interrupt_fd)
    : invocation_(invocation),
      address_(ResolveAddress(invocation.flags.String("address"), GetEnv)),
      out_terminal_(DetectTerminal(STDOUT_FILENO, invocation.flags.String("color"), GetEnv)),
      err_terminal_(DetectTerminal(STDERR_FILENO, invocation.flags.String("color"), GetEnv)),
      last_job_(GetEnv),
      format_(FormatOf(invocation.flags.String("output"))),
      out_(STDOUT_FILENO, interrupt_fd),
      err_(STDERR_FILENO, interrupt_fd) {}

SecurityOptions Session::security() const {
  SecurityOptions security;
  security.tls_ca = flags().String("tls_ca", GetEnv("MSCTL_TLS_CA"));
  security.tls_cert = flags().String("tls_cert", GetEnv("MSCTL_TLS_CERT"));
  security.tls_key = flags().String("tls_key", GetEnv("MSCTL_TLS_KEY"));
  security.insecure = flags().Bool("insecure");
  return security;
}

absl::Duration Session::timeout() const { return flags().Duration("timeout", kDefaultTimeout); }

absl::StatusOr<ApiClient*> Session::Api() {
  if (api_ == nullptr) {
    // The verb's own --timeout (wait) is not that of a call.
    const bool own = invocation_.command != nullptr && invocation_.command->name == "wait";
    MUSTER_ASSIGN_OR_RETURN(
        api_, ApiClient::Connect(address_, security(), own ? kDefaultTimeout : timeout()));
  }
  return api_.get();
}

absl::StatusOr<std::string> Session::JobArgument(size_t index) {
  if (index < arguments().size()) return arguments()[index];
  std::string job = last_job_.Recall(address_);
  const char* what = "the last one you submitted";
  if (job.empty()) {
    MUSTER_ASSIGN_OR_RETURN(job, NewestJob());
    what = "the newest one";
  }
  if (!quiet()) {
    err_.Write(absl::StrCat("using job ", job, ", ", what, "\n"));
    err_.Flush();
  }
  return job;
}

absl::StatusOr<std::string> Session::NewestJob() {
  MUSTER_ASSIGN_OR_RETURN(ApiClient* const api, Api());
  v1::ListJobsRequest request;
  request.set_page_size(kNewestJobs);
  MUSTER_ASSIGN_OR_RETURN(const v1::ListJobsResponse response, api->ListJobs(request));
  if (response.jobs().empty()) {
    return WithDetail(absl::NotFoundError("no job was named, and there is none yet"), "NO_JOB", "",
                      "submit one with 'msctl submit job.yaml'");
  }
  // This user's own, where the server knows users by their names here.
  const std::string user = UserName();
  for (const v1::Job& job : response.jobs()) {
    if (job.status().owner() == user) return job.id();
  }
  return response.jobs(0).id();
}

void Session::RememberJob(const std::string& job_id) const { last_job_.Remember(address_, job_id); }

void Session::PrintMessage(const google::protobuf::Message& message) {
  PrintJson(MessageJson(message));
}

void Session::PrintJson(const std::string& json) {
  out_.Write(format_ == Format::kYaml ? JsonToYaml(json) : json);
  if (format_ != Format::kYaml && !json.empty() && json.back() != '\n') out_.Write("\n");
}

}  // namespace muster

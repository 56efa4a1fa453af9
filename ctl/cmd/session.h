#ifndef MUSTER_CTL_CMD_SESSION_H_
#define MUSTER_CTL_CMD_SESSION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"
#include "ctl/cli/command.h"
#include "ctl/client/api_client.h"
#include "ctl/client/last_job.h"
#include "ctl/view/output.h"
#include "ctl/view/terminal.h"
#include "google/protobuf/message.h"

namespace muster {

enum class Format { kTable, kJson, kYaml, kName };

// What every verb has in common: the user's outputs and terminal, the agent's address, the way
// there. One per call of msctl. Not thread-safe.
class Session {
 public:
  // `invocation` must outlive this object. `interrupt_fd` as in Output.
  explicit Session(const Invocation& invocation, int interrupt_fd = -1);

  const Flags& flags() const { return invocation_.flags; }
  const std::vector<std::string>& arguments() const { return invocation_.arguments; }
  const std::string& address() const { return address_; }
  SecurityOptions security() const;
  // How long an agent may stay silent.
  absl::Duration timeout() const;
  Format format() const { return format_; }
  bool quiet() const { return flags().Bool("quiet"); }

  Output* out() { return &out_; }
  Output* err() { return &err_; }
  const Terminal& out_terminal() const { return out_terminal_; }
  const Terminal& err_terminal() const { return err_terminal_; }

  // Connected when first asked for.
  absl::StatusOr<ApiClient*> Api();

  // arguments()[index]; where it was left out the job last submitted from here, which is named on
  // stderr, else this user's newest one. For reads only.
  absl::StatusOr<std::string> JobArgument(size_t index);
  void RememberJob(const std::string& job_id) const;

  // As JSON or YAML, by format().
  void PrintMessage(const google::protobuf::Message& message);
  void PrintJson(const std::string& json);

 private:
  absl::StatusOr<std::string> NewestJob();

  const Invocation& invocation_;
  const std::string address_;
  const Terminal out_terminal_;
  const Terminal err_terminal_;
  const LastJob last_job_;
  Format format_ = Format::kTable;
  Output out_;
  Output err_;
  std::unique_ptr<ApiClient> api_;
};

// "-o", with the given choices, and "-q".
FlagSpec OutputFlag(const std::string& choices = "table|json|yaml|name");
FlagSpec QuietFlag(const std::string& help);

}  // namespace muster

#endif  // MUSTER_CTL_CMD_SESSION_H_

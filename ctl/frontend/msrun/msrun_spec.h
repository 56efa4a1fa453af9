#ifndef MUSTER_CTL_FRONTEND_MSRUN_MSRUN_SPEC_H_
#define MUSTER_CTL_FRONTEND_MSRUN_MSRUN_SPEC_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ctl/frontend/frontend.h"

namespace muster {

// msrun's own words, where `command` is `msrun …` or `python -m mindspore.parallel.cluster.run …`.
std::optional<std::vector<std::string>> MatchMsrun(const std::vector<std::string>& command);

// The job on the agents that a command line of msrun means. Reads nothing but the call.
absl::StatusOr<FrontendJob> MsrunToJob(const FrontendCall& call);

}  // namespace muster

#endif  // MUSTER_CTL_FRONTEND_MSRUN_MSRUN_SPEC_H_

#include "launch/paddle_poprun.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster {
namespace {

constexpr char kPort[] = "8090";  // Of every host's endpoint; fixed in the original.

struct Counts {
  int replicas;
  int instances;
};

Counts Count(const PaddleIpuJob& job) {
  return {job.devices / job.ipus_per_replica,
          static_cast<int>(job.hosts.size()) * job.nproc_per_host};
}

std::string Endpoint(const std::string& host) { return absl::StrCat(host, ":", kPort); }

std::string GlobalVariables(const PaddleIpuJob& job) {
  std::string variables;
  if (!job.log_level.empty()) {
    absl::StrAppend(&variables, "-x POPART_LOG_LEVEL=", job.log_level, " ");
  }
  absl::StrAppend(&variables, "-x PADDLE_TRAINERS_NUM=", Count(job).instances,
                  " -x PADDLE_TRAINER_ENDPOINTS=",
                  absl::StrJoin(job.hosts, ",", [](std::string* out, const std::string& host) {
                    absl::StrAppend(out, Endpoint(host));
                  }));
  return variables;
}

std::string InstanceVariables(const PaddleIpuJob& job, int instance) {
  return absl::StrCat("-x PADDLE_TRAINER_ID=", instance, " -x PADDLE_CURRENT_ENDPOINT=",
                      Endpoint(job.hosts[instance / job.nproc_per_host]),
                      " -x PADDLE_RANK_IN_NODE=", instance % job.nproc_per_host);
}

// `quotes`: as the shell needs them, single around the global variables and double around those of
// an instance.
std::vector<std::string> Words(const PaddleIpuJob& job, bool quotes) {
  const char* const single = quotes ? "'" : "";
  const char* const twofold = quotes ? "\"" : "";
  const Counts counts = Count(job);
  std::vector<std::string> words = {
      "poprun",
      absl::StrCat("--num-instances=", counts.instances),
      absl::StrCat("--num-replicas=", counts.replicas),
      absl::StrCat("--ipus-per-replica=", job.ipus_per_replica),
      absl::StrCat("--host=", absl::StrJoin(job.hosts, ",")),
      absl::StrCat("--vipu-partition=", job.partition),
      absl::StrCat("--vipu-server-host=", job.vipu_server),
      "--update-partition=no",
      "--vipu-server-timeout=120",
      "--print-topology=yes",
      "--numa-aware=yes",
      absl::StrCat("--mpi-local-args=", single, GlobalVariables(job), single),
  };
  for (int i = 0; i < counts.instances; ++i) {
    words.push_back(absl::StrCat("--instance-mpi-local-args=", i, ":", twofold,
                                 InstanceVariables(job, i), twofold));
  }
  words.insert(words.end(), job.command.begin(), job.command.end());
  return words;
}

}  // namespace

std::string PaddleIpuFault(const PaddleIpuJob& job) {
  if (job.devices < 1 || job.nproc_per_host < 1 || job.ipus_per_replica < 1 || job.hosts.empty()) {
    return absl::StrCat(
        "a job needs at least one IPU, host, process per host and IPU per replica; "
        "it has ",
        job.devices, ", ", job.hosts.size(), ", ", job.nproc_per_host, " and ",
        job.ipus_per_replica);
  }
  if (job.devices % job.ipus_per_replica != 0) {
    return absl::StrCat(job.devices, " IPUs cannot be shared out to replicas of ",
                        job.ipus_per_replica, " each");
  }
  const Counts counts = Count(job);
  if (counts.replicas % counts.instances != 0) {
    return absl::StrCat(counts.replicas, " replicas cannot be shared out to ", counts.instances,
                        " processes (", job.hosts.size(), " hosts of ", job.nproc_per_host, ")");
  }
  return "";
}

std::vector<std::string> PaddlePoprunParts(const PaddleIpuJob& job) { return Words(job, true); }

std::vector<std::string> PaddlePoprunArgv(const PaddleIpuJob& job) { return Words(job, false); }

}  // namespace muster

#include "agent/options.h"

#include <linux/limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "agent/device/device_probe.h"
#include "agent/etcd_flags.h"
#include "agent/flag_parser.h"
#include "common/base/fs.h"
#include "common/base/status.h"
#include "common/rpc/certificates.h"
#include "gflags/gflags.h"
#include "scheduler/core/quota_file.h"

DEFINE_string(state_dir, "",
              "Keeps everything that must last here. Default: /var/lib/muster, or "
              "$XDG_STATE_HOME/muster for users other than root.");
DEFINE_string(
    listen, "",
    "Listens on these addresses, separated by commas: unix:PATH, or HOST:PORT with mutual "
    "TLS. Default: unix:/run/muster/agent.sock, or below $XDG_RUNTIME_DIR for users other "
    "than root.");
DEFINE_string(scheduler, "self",
              "Names the scheduler: self (this agent holds the role), unix:PATH or HOST:PORT.");
DEFINE_string(etcd, "",
              "Elects the scheduler among the agents, by etcd, and keeps its state there: "
              "HOST:PORT[,HOST:PORT...] of its members, the same in the whole cluster. "
              "https://HOST:PORT wants TLS, http://HOST:PORT is plain text.");
DEFINE_string(etcd_prefix, "/muster/default",
              "Is where this cluster's keys lie in etcd; two clusters need two.");
DEFINE_string(etcd_cert, "", "Is the certificate chain (PEM) for etcd. Default: --tls_cert.");
DEFINE_string(etcd_key, "", "Is that certificate's private key (PEM). Default: --tls_key.");
DEFINE_string(etcd_ca, "",
              "Is who signs etcd's certificates (PEM). Given as empty: plain text to etcd. "
              "Default: --tls_ca.");
DEFINE_bool(scheduler_candidate, true,
            "Lets this agent be elected. Some agents of a large cluster suffice.");
DEFINE_string(agent_devices, "",
              "Replaces the search for devices: KIND:COUNT[,KIND:COUNT...] or none. Default: "
              "$MUSTER_DEVICES, else every vendor is asked.");
DEFINE_string(agent_labels, "", "Labels this host: KEY=VALUE[,KEY=VALUE...].");
DEFINE_string(agent_name, "", "Names this host in the cluster. Default: its host name.");
DEFINE_string(agent_address, "",
              "Is where ranks on other hosts reach this one. Default: the host of the first TCP "
              "listener that names one; without one 127.0.0.1 under --scheduler=self, else the "
              "address from which this host reaches the scheduler.");
DEFINE_string(shim_path, "",
              "Is the program msshim. Default: beside this program, or in ../libexec/muster.");
DEFINE_string(cgroup_root, "",
              "Puts the ranks' cgroups below this directory; none does without. Default: found.");
DEFINE_int32(agent_first_port, 20000, "Is the first port that ranks may be given.");
DEFINE_int32(agent_last_port, 31999, "Is the last port that ranks may be given.");
DEFINE_int32(agent_keep_ended_h, 24 * 7, "Keeps the files of ended gangs for so many hours.");
DEFINE_int32(scheduler_keep_jobs_h, 24 * 30, "Keeps final jobs for so many hours.");
DEFINE_int32(scheduler_heartbeat_ms, 2000, "Asks agents for a heartbeat so often.");
DEFINE_int32(
    node_lease_ms, 20'000,
    "Of the scheduler: agents stop gangs with on_partition: fence when it has not answered "
    "for so long; at least four heartbeats. Such a gang starts elsewhere strictly later.");
DEFINE_int32(fence_grace_ms, 10'000, "Of the scheduler: from that SIGTERM to SIGKILL.");
DEFINE_int32(
    etcd_loss_ms, 600'000,
    "Of an elected scheduler that etcd does not answer: keeps gangs with on_partition: fence "
    "running "
    "for so long, while all agents that may be elected answer it. 0: for --node_lease_ms.");
DEFINE_int32(scheduler_max_queued_jobs, 10000, "Refuses jobs beyond so many that wait.");
DEFINE_string(
    quota, "",
    "Of the scheduler: a file that says what each user may have at once, a line for each: "
    "USER queued=N running=N hosts=N ranks=N devices.KIND=N; `*` is everybody.");
DEFINE_string(tls_cert, "", "Is this side's certificate chain (PEM).");
DEFINE_string(tls_key, "", "Is the certificate's private key (PEM).");
DEFINE_string(tls_ca, "", "Is who signs the certificates of the other side (PEM).");
DEFINE_bool(insecure, false, "Allows TCP without TLS on loopback addresses.");
DEFINE_bool(enable_reflection, false, "Serves gRPC's server reflection, for grpcurl and the like.");
DEFINE_bool(check_config, false, "Checks the flags and the files that they name, and exits.");

DECLARE_bool(help);
DECLARE_bool(version);

namespace muster {
namespace {

constexpr size_t kMaxName = 253;  // Of a host: RFC 1035.
constexpr int64_t kMaxQuotaBytes = 16 << 20;
// Election of another scheduler, from the death of the last one to its first answer to all agents:
// the lease in etcd (3 s), the load of the state, and the agents' way to it.
constexpr absl::Duration kChangeOfScheduler = absl::Seconds(5);

std::string Env(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

std::string DefaultStateDir() {
  if (geteuid() == 0) return "/var/lib/muster";
  const std::string xdg = Env("XDG_STATE_HOME");
  if (!xdg.empty()) return JoinPath(xdg, "muster");
  const std::string home = Env("HOME");
  return home.empty() ? "" : JoinPath(home, ".local/state/muster");
}

std::string DefaultListen() {
  if (geteuid() == 0) return "unix:/run/muster/agent.sock";
  const std::string xdg = Env("XDG_RUNTIME_DIR");
  return xdg.empty() ? "" : absl::StrCat("unix:", JoinPath(xdg, "muster/agent.sock"));
}

absl::StatusOr<std::string> StateDir() {
  const std::string path = FLAGS_state_dir.empty() ? DefaultStateDir() : FLAGS_state_dir;
  if (path.empty()) {
    return absl::InvalidArgumentError(
        "--state_dir is needed: neither XDG_STATE_HOME nor HOME is set");
  }
  if (path[0] == '/') return path;
  char cwd[PATH_MAX];
  if (getcwd(cwd, sizeof(cwd)) == nullptr) return ErrnoStatus(errno, "--state_dir");
  return JoinPath(cwd, path);
}

absl::StatusOr<std::vector<std::string>> Listen(const SecurityOptions& security) {
  const std::string text = FLAGS_listen.empty() ? DefaultListen() : FLAGS_listen;
  if (text.empty()) {
    return absl::InvalidArgumentError("--listen is needed: XDG_RUNTIME_DIR is not set");
  }
  std::vector<std::string> addresses;
  for (absl::string_view address : absl::StrSplit(text, ',')) {
    address = absl::StripAsciiWhitespace(address);
    MUSTER_RETURN_IF_ERROR(Annotate(CheckSecurity(address, security), "--listen"));
    addresses.emplace_back(address);
  }
  return addresses;
}

bool IsGiven(const char* flag) { return !gflags::GetCommandLineFlagInfoOrDie(flag).is_default; }

absl::Status TakeEtcdFlags(AgentOptions* options) {
  if (!IsGiven("etcd")) {
    for (const char* const flag :
         {"etcd_prefix", "scheduler_candidate", "etcd_ca", "etcd_cert", "etcd_key"}) {
      if (!IsGiven(flag)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "--", flag, " without --etcd: no scheduler is elected; give --etcd, or leave it out"));
    }
    return absl::OkStatus();
  }
  EtcdFlags flags;
  flags.members = FLAGS_etcd;
  flags.files = {FLAGS_etcd_cert, FLAGS_etcd_key, FLAGS_etcd_ca, FLAGS_insecure};
  flags.no_ca = IsGiven("etcd_ca") && FLAGS_etcd_ca.empty();
  MUSTER_ASSIGN_OR_RETURN(EtcdCluster cluster, ParseEtcdFlags(flags, options->security));
  options->etcd = std::move(cluster.members);
  options->etcd_security = std::move(cluster.security);
  options->etcd_prefix = FLAGS_etcd_prefix;
  const std::string& prefix = options->etcd_prefix;
  if (prefix.size() < 2 || prefix[0] != '/' || prefix.back() == '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("--etcd_prefix=", prefix, ": must begin with a slash and not end with one"));
  }
  return absl::OkStatus();
}

bool HasFilesForEtcd(const AgentOptions& options) {
  const SecurityOptions& own = options.security;
  const SecurityOptions& etcd = options.etcd_security;
  const bool same =
      etcd.tls_cert == own.tls_cert && etcd.tls_key == own.tls_key && etcd.tls_ca == own.tls_ca;
  return !same && !etcd.tls_cert.empty();
}

// Files of TLS that no handshake would take are found here, not by the hosts that wait for this
// one.
absl::Status CheckTlsFiles(const AgentOptions& options) {
  if (!options.security.tls_cert.empty()) {
    MUSTER_RETURN_IF_ERROR(CheckCertificates(options.security, "tls", Issuer::kSameAuthority));
  }
  if (!HasFilesForEtcd(options)) return absl::OkStatus();
  return CheckCertificates(options.etcd_security, "etcd", Issuer::kAny);
}

// An agent starts with these: its ranks, and who asks it through its socket, need none of it.
absl::Status CheckTlsDates(const AgentOptions& options) {
  if (!options.security.tls_cert.empty()) {
    MUSTER_RETURN_IF_ERROR(
        CheckCertificateDates(options.security, "tls", Issuer::kSameAuthority, absl::Now()));
  }
  if (!HasFilesForEtcd(options)) return absl::OkStatus();
  return CheckCertificateDates(options.etcd_security, "etcd", Issuer::kAny, absl::Now());
}

// Nor this; but who cannot be reached must not have the scheduler's role.
absl::Status CheckTlsName(const AgentOptions& options) {
  const std::string host = PublishedHost(options);
  if (options.security.tls_cert.empty() || host.empty()) return absl::OkStatus();
  return CheckCertificateName(options.security, "tls", host);
}

absl::Status TakeSchedulerFlags(AgentOptions* options) {
  if (FLAGS_scheduler != "self") {
    MUSTER_RETURN_IF_ERROR(
        Annotate(CheckSecurity(FLAGS_scheduler, options->security), "--scheduler"));
    options->scheduler = FLAGS_scheduler;
  }
  for (const std::string& own : options->listen) {
    if (own != options->scheduler) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "--scheduler=", own, ": this agent's own address; leave --scheduler out on this host"));
  }
  options->candidate = FLAGS_scheduler_candidate;
  MUSTER_RETURN_IF_ERROR(TakeEtcdFlags(options));
  if (!options->etcd.empty() && !options->scheduler.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("--etcd with --scheduler=", FLAGS_scheduler,
                                                   ": the scheduler is elected, or named"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> Labels() {
  std::map<std::string, std::string> labels;
  for (absl::string_view label : absl::StrSplit(FLAGS_agent_labels, ',', absl::SkipEmpty())) {
    const std::vector<std::string> halves = absl::StrSplit(label, absl::MaxSplits('=', 1));
    if (halves.size() != 2 || halves[0].empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--agent_labels: '", label, "' is not KEY=VALUE"));
    }
    if (!labels.emplace(halves[0], halves[1]).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("--agent_labels: '", halves[0], "' is given twice"));
    }
  }
  return labels;
}

absl::StatusOr<std::string> NodeName() {
  const std::string name = FLAGS_agent_name.empty() ? HostName() : FLAGS_agent_name;
  if (name.size() > kMaxName) {
    return absl::InvalidArgumentError(
        absl::StrCat("--agent_name: ", name.size(), " characters, ", kMaxName, " are allowed"));
  }
  for (const char c : name) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_') {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "--agent_name=", name, ": only letters, digits, '-', '.' and '_' are allowed"));
  }
  return name;
}

std::string RankAddress(const AgentOptions& options) {
  if (!FLAGS_agent_address.empty()) return FLAGS_agent_address;
  for (const std::string& address : options.listen) {
    const std::string host = HostOf(address);
    const bool names_one = !host.empty() && host != "0.0.0.0" && host != "::";
    if (names_one && (options.alone() || !IsLoopbackAddress(address))) return host;
  }
  const bool alone = std::none_of(options.listen.begin(), options.listen.end(),
                                  [](const std::string& one) { return !HostOf(one).empty(); });
  return options.alone() && alone ? "127.0.0.1" : "";
}

// The shim beside this program, in the place of a package, or in a build tree.
absl::StatusOr<std::string> ShimPath() {
  char self[PATH_MAX] = {};
  if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) self[0] = '\0';
  const std::string dir = DirName(self);
  std::vector<std::string> places = {JoinPath(dir, "msshim"),
                                     JoinPath(dir, "../libexec/muster/msshim"),
                                     JoinPath(dir, "shim/msshim")};
  if (!FLAGS_shim_path.empty()) places = {FLAGS_shim_path};
  for (const std::string& place : places) {
    if (access(place.c_str(), X_OK) != 0) continue;
    char resolved[PATH_MAX];
    return std::string(realpath(place.c_str(), resolved) == nullptr ? place.c_str() : resolved);
  }
  if (!FLAGS_shim_path.empty()) {
    return absl::NotFoundError(
        absl::StrCat("--shim_path=", FLAGS_shim_path, ": no program that can be run"));
  }
  return absl::NotFoundError(absl::StrCat("msshim is neither at ", places[0], " nor at ", places[1],
                                          "; install it there or give --shim_path"));
}

absl::Status CheckNumbers() {
  if (FLAGS_agent_first_port < 1024 || FLAGS_agent_last_port > 65535 ||
      FLAGS_agent_first_port > FLAGS_agent_last_port) {
    return absl::InvalidArgumentError(absl::StrCat("--agent_first_port=", FLAGS_agent_first_port,
                                                   " --agent_last_port=", FLAGS_agent_last_port,
                                                   ": not a range within 1024 to 65535"));
  }
  const struct {
    const char* name;
    int value;
    int least;
  } bounds[] = {{"agent_keep_ended_h", FLAGS_agent_keep_ended_h, 0},
                {"scheduler_keep_jobs_h", FLAGS_scheduler_keep_jobs_h, 0},
                {"scheduler_heartbeat_ms", FLAGS_scheduler_heartbeat_ms, 100},
                {"node_lease_ms", FLAGS_node_lease_ms, 4 * FLAGS_scheduler_heartbeat_ms},
                {"fence_grace_ms", FLAGS_fence_grace_ms, 0},
                {"etcd_loss_ms", FLAGS_etcd_loss_ms, 0},
                {"scheduler_max_queued_jobs", FLAGS_scheduler_max_queued_jobs, 1}};
  for (const auto& bound : bounds) {
    if (bound.value >= bound.least) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--", bound.name, "=", bound.value, ": must be at least ", bound.least));
  }
  return absl::OkStatus();
}

absl::Status TakePlainFlags(AgentOptions* options) {
  MUSTER_RETURN_IF_ERROR(CheckNumbers());
  options->first_port = FLAGS_agent_first_port;
  options->last_port = FLAGS_agent_last_port;
  options->keep_ended = absl::Hours(FLAGS_agent_keep_ended_h);
  options->keep_jobs = absl::Hours(FLAGS_scheduler_keep_jobs_h);
  options->heartbeat_interval = absl::Milliseconds(FLAGS_scheduler_heartbeat_ms);
  options->node_lease = absl::Milliseconds(FLAGS_node_lease_ms);
  options->fence_grace = absl::Milliseconds(FLAGS_fence_grace_ms);
  options->etcd_loss = absl::Milliseconds(FLAGS_etcd_loss_ms);
  options->max_queued_jobs = FLAGS_scheduler_max_queued_jobs;
  options->enable_reflection = FLAGS_enable_reflection;
  options->cgroup_root = FLAGS_cgroup_root;
  options->security = {FLAGS_tls_cert, FLAGS_tls_key, FLAGS_tls_ca, FLAGS_insecure};
  return absl::OkStatus();
}

absl::StatusOr<Quota> ReadQuota() {
  if (FLAGS_quota.empty()) return Quota();
  const absl::StatusOr<std::string> text = ReadFile(FLAGS_quota, kMaxQuotaBytes);
  if (!text.ok()) return Annotate(text.status(), "--quota");
  absl::StatusOr<Quota> quota = ParseQuota(FLAGS_quota, *text);
  return quota.ok() ? std::move(quota) : Annotate(quota.status(), "--quota");
}

absl::Status TakeFlags(AgentOptions* options) {
  MUSTER_RETURN_IF_ERROR(TakePlainFlags(options));
  MUSTER_ASSIGN_OR_RETURN(options->state_dir, StateDir());
  MUSTER_ASSIGN_OR_RETURN(options->listen, Listen(options->security));
  MUSTER_RETURN_IF_ERROR(TakeSchedulerFlags(options));
  MUSTER_RETURN_IF_ERROR(CheckTlsFiles(*options));
  options->devices = FLAGS_agent_devices.empty() ? Env("MUSTER_DEVICES") : FLAGS_agent_devices;
  MUSTER_RETURN_IF_ERROR(
      Annotate(MakeDeviceProbe(options->devices).status(),
               FLAGS_agent_devices.empty() ? "MUSTER_DEVICES" : "--agent_devices"));
  MUSTER_ASSIGN_OR_RETURN(options->labels, Labels());
  MUSTER_ASSIGN_OR_RETURN(options->quota, ReadQuota());
  MUSTER_ASSIGN_OR_RETURN(options->name, NodeName());
  MUSTER_ASSIGN_OR_RETURN(options->shim_path, ShimPath());
  options->address = RankAddress(*options);
  options->candidate = options->candidate && CheckTlsName(*options).ok();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AgentVerb> ParseAgentOptions(const std::vector<std::string>& args,
                                            AgentOptions* options) {
  MUSTER_RETURN_IF_ERROR(ParseFlags(args));
  if (FLAGS_help) return AgentVerb::kHelp;
  if (FLAGS_version) return AgentVerb::kVersion;
  MUSTER_RETURN_IF_ERROR(TakeFlags(options));
  if (!FLAGS_check_config) return AgentVerb::kRun;
  MUSTER_RETURN_IF_ERROR(CheckTlsName(*options));
  MUSTER_RETURN_IF_ERROR(CheckTlsDates(*options));
  return AgentVerb::kCheckConfig;
}

std::string PublishedHost(const AgentOptions& options) {
  for (const std::string& address : options.listen) {
    const std::string host = HostOf(address);
    if (host.empty()) continue;
    return host == "0.0.0.0" || host == "::" ? options.address : host;
  }
  return "";
}

std::vector<std::string> WarningsOf(const AgentOptions& options) {
  std::vector<std::string> warnings;
  if (!options.etcd.empty() && options.candidate && options.node_lease < kChangeOfScheduler) {
    warnings.push_back(absl::StrCat(
        "--node_lease_ms=", absl::ToInt64Milliseconds(options.node_lease), ": with --etcd another ",
        "scheduler may take ", absl::FormatDuration(kChangeOfScheduler), " to answer, and each ",
        "change ends the gangs with on_partition: fence; give at least ",
        absl::ToInt64Milliseconds(kChangeOfScheduler)));
  }
  const bool open = std::any_of(options.etcd.begin(), options.etcd.end(),
                                [](const std::string& one) { return !IsLoopbackAddress(one); });
  if (open && options.etcd_security.tls_cert.empty()) {
    warnings.push_back(
        "--etcd: plain text over the network: who is on the way, or reaches etcd, can run "
        "programs on every host of this cluster; keep to a network of your own, or use https://");
  }
  const absl::Status named = CheckTlsName(options);
  if (!named.ok()) {
    warnings.push_back(absl::StrCat(named.message(),
                                    options.etcd.empty() ? "" : "; until then it is not elected"));
  }
  const absl::Status dates = CheckTlsDates(options);
  if (!dates.ok()) warnings.emplace_back(dates.message());
  return warnings;
}

std::string AgentHelp() {
  return absl::StrCat(
      "msagentd: the node agent of Muster; runs the ranks of distributed training jobs on this "
      "host.\n\nusage: msagentd [--flag=value ...]\n\n",
      DescribeFlags("agent/options.cc"),
      "  --flagfile=PATH\n      Reads more flags from a file, one a line.\n");
}

}  // namespace muster

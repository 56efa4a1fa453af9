#include "tests/fakes/etcd_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/unique_fd.h"
#include "glog/logging.h"

extern char** environ;

namespace muster {
namespace {

constexpr char kProgram[] = "/usr/bin/etcd";

// Held open together while all are chosen, so that they differ.
std::vector<int> FreePorts(int count) {
  std::vector<UniqueFd> sockets;
  std::vector<int> ports;
  for (int i = 0; i < count; ++i) {
    sockets.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQ(bind(sockets.back().get(), reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    socklen_t size = sizeof(name);
    CHECK_EQ(getsockname(sockets.back().get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    ports.push_back(ntohs(name.sin_port));
  }
  return ports;
}

}  // namespace

bool EtcdProcess::Installed() { return access(kProgram, X_OK) == 0; }

EtcdProcess::EtcdProcess(int members) : pids_(static_cast<size_t>(members), -1) {
  const std::vector<int> ports = FreePorts(2 * members);
  for (int i = 0; i < members; ++i) {
    clients_.push_back(absl::StrCat("127.0.0.1:", ports[static_cast<size_t>(2 * i)]));
    peers_.push_back(absl::StrCat("http://127.0.0.1:", ports[static_cast<size_t>(2 * i + 1)]));
  }
  for (int i = 0; i < members; ++i) Start(i);
}

EtcdProcess::~EtcdProcess() {
  for (const pid_t pid : pids_) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

void EtcdProcess::Signal(int member, int signal) {
  CHECK_EQ(kill(pids_[static_cast<size_t>(member)], signal), 0);
}

void EtcdProcess::Start(int member) {
  const auto index = static_cast<size_t>(member);
  std::vector<std::string> cluster;
  for (size_t i = 0; i < peers_.size(); ++i)
    cluster.push_back(absl::StrCat("m", i, "=", peers_[i]));
  const std::string client = absl::StrCat("http://", clients_[index]);
  std::vector<std::string> words = {
      kProgram,
      absl::StrCat("--name=m", member),
      absl::StrCat("--data-dir=", tree_.Path(absl::StrCat("m", member))),
      absl::StrCat("--listen-client-urls=", client),
      absl::StrCat("--advertise-client-urls=", client),
      absl::StrCat("--listen-peer-urls=", peers_[index]),
      absl::StrCat("--initial-advertise-peer-urls=", peers_[index]),
      absl::StrCat("--initial-cluster=", absl::StrJoin(cluster, ","))};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string log = tree_.Path(absl::StrCat("m", member, ".log"));
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  const int error = posix_spawn(&pids_[index], kProgram, &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  CHECK_EQ(error, 0) << strerror(error);
}

}  // namespace muster

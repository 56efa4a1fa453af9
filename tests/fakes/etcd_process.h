#ifndef MUSTER_TESTS_FAKES_ETCD_PROCESS_H_
#define MUSTER_TESTS_FAKES_ETCD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/fakes/temp_tree.h"

namespace muster {

// Real etcd: a cluster of members on loopback ports of its own, in a directory of its own, from
// construction to destruction. The test must be skipped where Installed() says no.
class EtcdProcess {
 public:
  static bool Installed();

  explicit EtcdProcess(int members = 1);
  ~EtcdProcess();
  EtcdProcess(const EtcdProcess&) = delete;
  EtcdProcess& operator=(const EtcdProcess&) = delete;

  // "127.0.0.1:PORT" of each member, for clients.
  const std::vector<std::string>& endpoints() const { return clients_; }
  // SIGSTOP, SIGCONT or SIGKILL to one member.
  void Signal(int member, int signal);

 private:
  void Start(int member);

  TempTree tree_;
  std::vector<std::string> clients_;
  std::vector<std::string> peers_;
  std::vector<pid_t> pids_;
};

}  // namespace muster

#endif  // MUSTER_TESTS_FAKES_ETCD_PROCESS_H_

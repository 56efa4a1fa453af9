#ifndef MUSTER_TESTS_PROGRAMS_TCP_STORE_H_
#define MUSTER_TESTS_PROGRAMS_TCP_STORE_H_

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gloo/rendezvous/store.h"

namespace muster::program {

// Rank 0's end of the rendezvous: keys and values behind one TCP port, as torch's TCPStore is. A
// get waits until the key is there. One thread per client; lives as long as rank 0.
class TcpStoreServer {
 public:
  // Throws std::system_error when the port cannot be had.
  TcpStoreServer(const std::string& host, int port);
  ~TcpStoreServer();

 private:
  void Accept();
  void Serve(int fd);

  int listener_ = -1;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> values_;  // Under mutex_.
  bool closing_ = false;                       // Under mutex_.
  std::vector<int> clients_;                   // Under mutex_.
  std::vector<std::thread> servers_;           // Of the accepting thread, then of the destructor.
  std::thread acceptor_;
};

// Every rank's end: gloo's store over one connection. Debian's gloo has stores over files and Redis
// only. Not thread-safe.
class TcpStore : public gloo::rendezvous::Store {
 public:
  // Tries until the server answers; throws std::system_error after `timeout`.
  TcpStore(const std::string& host, int port, std::chrono::milliseconds timeout);
  ~TcpStore() override;

  void set(const std::string& key, const std::vector<char>& data) override;
  std::vector<char> get(const std::string& key) override;
  void wait(const std::vector<std::string>& keys) override;
  void wait(const std::vector<std::string>& keys,
            const std::chrono::milliseconds& timeout) override;

 private:
  int fd_ = -1;
};

}  // namespace muster::program

#endif  // MUSTER_TESTS_PROGRAMS_TCP_STORE_H_

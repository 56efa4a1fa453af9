#include "tests/programs/tcp_store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>

namespace muster::program {

namespace {

// On the wire a request is 'S' key value or 'G' key, and the answer to 'G' is the value; a text is
// its length, four bytes in network order, and its bytes.

std::system_error Error(const std::string& what) {
  return std::system_error(errno, std::generic_category(), what);
}

bool SendAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

bool ReceiveAll(int fd, char* data, size_t size) {
  while (size > 0) {
    const ssize_t received = recv(fd, data, size, 0);
    if (received <= 0) return false;
    data += received;
    size -= static_cast<size_t>(received);
  }
  return true;
}

bool SendText(int fd, const std::string& text) {
  const uint32_t size = htonl(static_cast<uint32_t>(text.size()));
  return SendAll(fd, reinterpret_cast<const char*>(&size), sizeof(size)) &&
         SendAll(fd, text.data(), text.size());
}

bool ReceiveText(int fd, std::string* text) {
  uint32_t size = 0;
  if (!ReceiveAll(fd, reinterpret_cast<char*>(&size), sizeof(size))) return false;
  text->resize(ntohl(size));
  return ReceiveAll(fd, text->data(), text->size());
}

addrinfo* Resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    errno = EADDRNOTAVAIL;
    throw Error("resolve " + host);
  }
  return found;
}

}  // namespace

TcpStoreServer::TcpStoreServer(const std::string& host, int port) {
  addrinfo* address = Resolve(host, port);
  listener_ = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool ok = bind(listener_, address->ai_addr, address->ai_addrlen) == 0 &&
                  listen(listener_, SOMAXCONN) == 0;
  freeaddrinfo(address);
  if (!ok) throw Error("listen on " + host + ":" + std::to_string(port));
  acceptor_ = std::thread([this] { Accept(); });
}

TcpStoreServer::~TcpStoreServer() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closing_ = true;
    for (const int fd : clients_) shutdown(fd, SHUT_RDWR);
  }
  changed_.notify_all();
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& server : servers_) server.join();
  for (const int fd : clients_) close(fd);
  close(listener_);
}

void TcpStoreServer::Accept() {
  while (true) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closing_) {
      if (fd >= 0) close(fd);
      return;
    }
    if (fd < 0) continue;
    clients_.push_back(fd);
    servers_.emplace_back([this, fd] { Serve(fd); });
  }
}

void TcpStoreServer::Serve(int fd) {
  char verb = 0;
  std::string key;
  while (ReceiveAll(fd, &verb, 1) && ReceiveText(fd, &key)) {
    std::string value;
    if (verb == 'S') {
      if (!ReceiveText(fd, &value)) return;
      const std::lock_guard<std::mutex> lock(mutex_);
      values_[key] = value;
      changed_.notify_all();
      continue;
    }
    {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return closing_ || values_.count(key) > 0; });
      if (closing_) return;
      value = values_[key];
    }
    if (!SendText(fd, value)) return;
  }
}

TcpStore::TcpStore(const std::string& host, int port, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  addrinfo* address = Resolve(host, port);
  while (true) {
    fd_ = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd_, address->ai_addr, address->ai_addrlen) == 0) break;
    const int error = errno;
    close(fd_);
    if (std::chrono::steady_clock::now() > deadline) {
      freeaddrinfo(address);
      errno = error;
      throw Error("connect to " + host + ":" + std::to_string(port));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // Rank 0 is not up yet.
  }
  freeaddrinfo(address);
}

TcpStore::~TcpStore() { close(fd_); }

void TcpStore::set(const std::string& key, const std::vector<char>& data) {
  const char verb = 'S';
  if (!SendAll(fd_, &verb, 1) || !SendText(fd_, key) ||
      !SendText(fd_, std::string(data.begin(), data.end()))) {
    throw Error("store " + key);
  }
}

std::vector<char> TcpStore::get(const std::string& key) {
  const char verb = 'G';
  std::string value;
  if (!SendAll(fd_, &verb, 1) || !SendText(fd_, key) || !ReceiveText(fd_, &value)) {
    throw Error("fetch " + key);
  }
  return std::vector<char>(value.begin(), value.end());
}

void TcpStore::wait(const std::vector<std::string>& keys) { wait(keys, kDefaultTimeout); }

void TcpStore::wait(const std::vector<std::string>& keys,
                    const std::chrono::milliseconds& timeout) {
  timeval limit{};
  limit.tv_sec = timeout.count() / 1000;
  limit.tv_usec = timeout.count() % 1000 * 1000;
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  for (const std::string& key : keys) get(key);
}

}  // namespace muster::program

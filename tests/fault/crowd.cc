// Many simulated agents at one scheduler, for tests/fault/storm.
//
// usage: crowd SCHEDULER COUNT [TLS_DIR]
//
// TLS_DIR has ca.pem, node.pem and node.key; without it TCP is plain. Prints, whenever it has
// changed, "TIME CONNECTED OPENED": on CLOCK_MONOTONIC, in seconds, how many agents are welcomed
// and how many streams they have opened so far. Reads "mute INDEX" lines from stdin; ends with it.
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "common/base/event_loop.h"
#include "tests/fakes/agent_crowd.h"

namespace {

constexpr absl::Duration kLook = absl::Milliseconds(20);

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

class Crowd {
 public:
  Crowd(int count, const std::string& scheduler, const muster::SecurityOptions& security,
        muster::EventLoop* loop)
      : loop_(loop), agents_(count, scheduler, security, loop) {}

  void Start() {
    loop_->Watch(STDIN_FILENO, EPOLLIN | EPOLLHUP, [this](uint32_t) { Read(); });
    agents_.Start();
    Look();
  }

 private:
  void Look() {
    const int connected = agents_.connected();
    if (connected != connected_ || agents_.opened() != opened_) {
      connected_ = connected;
      opened_ = agents_.opened();
      std::printf("%.3f %d %lld\n", Now(), connected_, static_cast<long long>(opened_));
      std::fflush(stdout);
    }
    loop_->After(kLook, [this] { Look(); });
  }

  void Read() {
    char text[256];
    const ssize_t count = read(STDIN_FILENO, text, sizeof text - 1);
    if (count <= 0) _exit(0);  // Two thousand connections need no farewell.
    line_.append(text, count);
    for (size_t end; (end = line_.find('\n')) != std::string::npos; line_.erase(0, end + 1)) {
      int index = 0;
      if (std::sscanf(line_.c_str(), "mute %d", &index) == 1) agents_.Mute(index);
    }
  }

  muster::EventLoop* const loop_;
  muster::AgentCrowd agents_;
  std::string line_;
  int connected_ = -1;
  int64_t opened_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: crowd SCHEDULER COUNT [TLS_DIR]\n");
    return 2;
  }
  muster::SecurityOptions security;
  if (argc == 4) {
    const std::string dir = argv[3];
    security = {dir + "/node.pem", dir + "/node.key", dir + "/ca.pem", false};
  } else {
    security.insecure = true;
  }
  muster::EventLoop loop;
  Crowd crowd(std::atoi(argv[2]), argv[1], security, &loop);
  crowd.Start();
  loop.Run();
  return 0;
}

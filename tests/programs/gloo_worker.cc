// A rank of a data-parallel job, without Python: meets its peers through rank 0's port, as torch's
// ranks do, and reduces real vectors over TCP with the library that torch uses.
//   gloo_worker [--iterations N] [--elements N] [--pause_ms T] [--timeout_ms T]
//               [--store DIR] [--die_rank R --die_at I]
// The environment: RANK (or MUSTER_RANK), WORLD_SIZE (or MUSTER_WORLD_SIZE), MASTER_ADDR,
// MASTER_PORT.
// --store DIR meets through files instead, for a contract that hands out no port. --die_rank kills
// itself in iteration I. Each iteration checks every element of the sum. Exit codes: 0; 1 a peer
// was lost; 2 a sum was wrong.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "gloo/allreduce.h"
#include "gloo/barrier.h"
#include "gloo/math.h"
#include "gloo/rendezvous/context.h"
#include "gloo/rendezvous/file_store.h"
#include "gloo/transport/tcp/device.h"
#include "tests/programs/program.h"
#include "tests/programs/tcp_store.h"

namespace p = muster::program;

namespace {

struct Options {
  int rank;
  int world_size;
  int64_t iterations;
  int64_t elements;
  int64_t pause_ms;
  int64_t timeout_ms;
  int64_t die_rank;
  int64_t die_at;
  std::string store_dir;
  std::string master_addr;
  int master_port;
};

// Whole numbers below 2^53: the sum is exact in every order of addition.
double Element(int rank, int64_t iteration, int64_t index) {
  return static_cast<double>((rank + 1) * (iteration + 1) + index % 97);
}

double Sum(int world_size, int64_t iteration, int64_t index) {
  const int64_t ranks = world_size;
  return static_cast<double>(ranks * (ranks + 1) / 2 * (iteration + 1) + ranks * (index % 97));
}

// Adds one vector of every rank. Returns how many elements are wrong.
int64_t Reduce(const std::shared_ptr<gloo::Context>& context, const Options& options,
               int64_t iteration) {
  std::vector<double> values(static_cast<size_t>(options.elements));
  for (int64_t i = 0; i < options.elements; ++i) values[i] = Element(options.rank, iteration, i);
  gloo::AllreduceOptions allreduce(context);
  allreduce.setOutput(values.data(), values.size());
  allreduce.setReduceFunction(
      static_cast<void (*)(void*, const void*, const void*, size_t)>(&gloo::sum<double>));
  gloo::allreduce(allreduce);
  int64_t wrong = 0;
  for (int64_t i = 0; i < options.elements; ++i) {
    if (values[i] != Sum(options.world_size, iteration, i)) ++wrong;
  }
  return wrong;
}

int Work(const Options& options) {
  std::unique_ptr<p::TcpStoreServer> server;
  std::unique_ptr<gloo::rendezvous::Store> store;
  if (!options.store_dir.empty()) {
    mkdir(options.store_dir.c_str(), 0700);
    store = std::make_unique<gloo::rendezvous::FileStore>(options.store_dir);
  } else {
    if (options.rank == 0) {
      server = std::make_unique<p::TcpStoreServer>(options.master_addr, options.master_port);
    }
    store = std::make_unique<p::TcpStore>(options.master_addr, options.master_port,
                                          std::chrono::milliseconds(options.timeout_ms));
  }
  gloo::transport::tcp::attr attributes("127.0.0.1");
  std::shared_ptr<gloo::transport::Device> device = gloo::transport::tcp::CreateDevice(attributes);
  auto context = std::make_shared<gloo::rendezvous::Context>(options.rank, options.world_size);
  context->setTimeout(std::chrono::milliseconds(options.timeout_ms));
  context->connectFullMesh(*store, device);
  printf("rank %d of %d connected\n", options.rank, options.world_size);
  fflush(stdout);

  for (int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    if (options.rank == options.die_rank && iteration == options.die_at) raise(SIGKILL);
    const int64_t wrong = Reduce(context, options, iteration);
    if (wrong > 0) {
      printf("rank %d iteration %" PRId64 ": %" PRId64 " wrong\n", options.rank, iteration, wrong);
      return 2;
    }
    p::SleepMs(options.pause_ms);
  }
  gloo::BarrierOptions last(context);
  gloo::barrier(last);
  printf("rank %d: %" PRId64 " all-reduces of %" PRId64 " elements over %d ranks, all sums right\n",
         options.rank, options.iterations, options.elements, options.world_size);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);  // As Python does: a lost peer is an error of write(2), not the end.
  Options options;
  options.rank = static_cast<int>(p::EnvNumber({"RANK", "MUSTER_RANK"}, 0));
  options.world_size = static_cast<int>(p::EnvNumber({"WORLD_SIZE", "MUSTER_WORLD_SIZE"}, 1));
  options.iterations = p::Flag(argc, argv, "iterations", int64_t{10});
  options.elements = p::Flag(argc, argv, "elements", int64_t{1000});
  options.pause_ms = p::Flag(argc, argv, "pause_ms", int64_t{0});
  options.timeout_ms = p::Flag(argc, argv, "timeout_ms", int64_t{30000});
  options.die_rank = p::Flag(argc, argv, "die_rank", int64_t{-1});
  options.die_at = p::Flag(argc, argv, "die_at", int64_t{0});
  options.store_dir = p::Flag(argc, argv, "store", std::string());
  options.master_addr = p::EnvText("MASTER_ADDR", "127.0.0.1");
  options.master_port = static_cast<int>(p::EnvNumber({"MASTER_PORT"}, 29500));
  try {
    return Work(options);
  } catch (const std::exception& error) {
    fprintf(stderr, "rank %d: %s\n", options.rank, error.what());
    return 1;
  }
}

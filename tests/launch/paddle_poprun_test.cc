#include "launch/paddle_poprun.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_join.h"

namespace muster {
namespace {

PaddleIpuJob Example10() {
  PaddleIpuJob job;
  job.devices = 4;
  job.hosts = {"localhost"};
  job.nproc_per_host = 2;
  job.ipus_per_replica = 1;
  job.partition = "pod16";
  job.vipu_server = "127.0.0.1";
  job.command = {"python3", "train.py"};
  return job;
}

// paddle.md 2.6 and example 10 of its section 7.
TEST(PaddlePoprunTest, TheLineIsTheDocumentsExample) {
  EXPECT_EQ(absl::StrJoin(PaddlePoprunParts(Example10()), " "),
            "poprun --num-instances=2 --num-replicas=4 --ipus-per-replica=1 --host=localhost "
            "--vipu-partition=pod16 --vipu-server-host=127.0.0.1 --update-partition=no "
            "--vipu-server-timeout=120 --print-topology=yes --numa-aware=yes "
            "--mpi-local-args='-x PADDLE_TRAINERS_NUM=2 -x PADDLE_TRAINER_ENDPOINTS=localhost:8090'"
            " --instance-mpi-local-args=0:\"-x PADDLE_TRAINER_ID=0 "
            "-x PADDLE_CURRENT_ENDPOINT=localhost:8090 -x PADDLE_RANK_IN_NODE=0\""
            " --instance-mpi-local-args=1:\"-x PADDLE_TRAINER_ID=1 "
            "-x PADDLE_CURRENT_ENDPOINT=localhost:8090 -x PADDLE_RANK_IN_NODE=1\""
            " python3 train.py");
}

TEST(PaddlePoprunTest, TheLogLevelComesFirst) {
  PaddleIpuJob job = Example10();
  job.log_level = "INFO";
  EXPECT_EQ(PaddlePoprunArgv(job)[11],
            "--mpi-local-args=-x POPART_LOG_LEVEL=INFO -x PADDLE_TRAINERS_NUM=2 "
            "-x PADDLE_TRAINER_ENDPOINTS=localhost:8090");
}

TEST(PaddlePoprunTest, WordsOfTheCommandStayWholeWithoutAShell) {
  PaddleIpuJob job = Example10();
  job.command = {"python3", "my train.py"};
  EXPECT_EQ(PaddlePoprunArgv(job).back(), "my train.py");
}

TEST(PaddleIpuFaultTest, BothDivisionsMustBeExact) {
  EXPECT_EQ(PaddleIpuFault(Example10()), "");
  PaddleIpuJob job = Example10();
  job.ipus_per_replica = 3;
  EXPECT_EQ(PaddleIpuFault(job), "4 IPUs cannot be shared out to replicas of 3 each");
  job = Example10();
  job.nproc_per_host = 3;
  EXPECT_EQ(PaddleIpuFault(job), "4 replicas cannot be shared out to 3 processes (1 hosts of 3)");
  job.nproc_per_host = 0;
  EXPECT_EQ(PaddleIpuFault(job),
            "a job needs at least one IPU, host, process per host and IPU per replica; it has 4, "
            "1, 0 and 1");
}

}  // namespace
}  // namespace muster

// A rank that leaves evidence of its whole life in a file of its own, DIR/JOB.RANK.ATTEMPT.PID, which
// is mapped: when it began, when it last lived (each 10 ms), how many lines it has written, and how it
// ended, if by itself. Writes a numbered line each 0.1 s and exits with CODE after SECONDS; each third
// rank ignores SIGTERM.
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

// As tests/fault/soak_witness.py reads it.
struct Life {
  int64_t began_ns;
  int64_t last_ns;
  int64_t lines;
  int64_t ended;  // 1: by exit(code).
  int64_t code;
};

static int64_t BootNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static volatile struct Life* Map(const char* dir) {
  char path[400];
  snprintf(path, sizeof path, "%s/%s.%s.%s.%d", dir, getenv("MUSTER_JOB_ID"), getenv("MUSTER_RANK"),
           getenv("MUSTER_ATTEMPT"), (int)getpid());
  const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, sizeof(struct Life)) != 0) return NULL;
  void* const life =
      mmap(NULL, sizeof(struct Life), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return life == MAP_FAILED ? NULL : life;
}

int main(int argc, char** argv) {
  if (argc != 4 || getenv("MUSTER_RANK") == NULL || getenv("MUSTER_JOB_ID") == NULL) {
    fprintf(stderr, "usage: MUSTER_RANK=N soak_worker DIR SECONDS CODE\n");
    return 2;
  }
  const int rank = atoi(getenv("MUSTER_RANK"));
  if (rank % 3 == 2) signal(SIGTERM, SIG_IGN);
  volatile struct Life* const life = Map(argv[1]);
  if (life == NULL) {
    perror(argv[1]);
    return 120;
  }
  life->began_ns = life->last_ns = BootNs();
  const int64_t end_ns = life->began_ns + (int64_t)(atof(argv[2]) * 1e9);
  const struct timespec pause = {0, 10000000};
  for (long tick = 0; life->last_ns < end_ns; ++tick) {
    if (tick % 10 == 0) {
      char line[80];
      const int length = snprintf(line, sizeof line, "%d:%lld:%08x\n", rank, (long long)life->lines,
                                  (unsigned)(rank * 2654435761u + (unsigned)life->lines * 40503u));
      if (write(STDOUT_FILENO, line, (size_t)length) != length) return 121;
      life->lines = life->lines + 1;
    }
    nanosleep(&pause, NULL);
    life->last_ns = BootNs();
  }
  life->code = atoi(argv[3]);
  life->ended = 1;
  return (int)life->code;
}

// A rank that ends at a moment that is set from outside: it appends a line to WITNESS when it
// starts, waits until the file WITNESS.go is there, which holds "BOOTTIME_NS RANKS…", one
// "OFFSET_NS:CODE" per rank, waits on for BOOTTIME_NS + OFFSET_NS, appends its last line and ends
// with CODE, or by signal -CODE where that is negative.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void testify(const char* path, const char* what, int rank, int code) {
  char line[160];
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  const int length =
      snprintf(line, sizeof line, "%s attempt=%s rank=%d pid=%d code=%d boottime=%lld.%09ld\n", what,
               getenv("MUSTER_ATTEMPT"), rank, (int)getpid(), code, (long long)now.tv_sec, now.tv_nsec);
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, line, (size_t)length) != length) _exit(120);
  close(fd);
}

// What `go` orders for this rank; 0 while it is not there.
static int read_order(const char* go, int rank, long long* when, int* code) {
  FILE* file = fopen(go, "re");
  if (file == NULL) return 0;
  long long base = 0, offset = 0;
  int found = fscanf(file, "%lld", &base) == 1;
  for (int i = 0; found && i <= rank; ++i) found = fscanf(file, "%lld:%d", &offset, code) == 2;
  fclose(file);
  *when = base + offset;
  return found;
}

int main(int argc, char** argv) {
  if (argc != 2 || getenv("MUSTER_RANK") == NULL) {
    fprintf(stderr, "usage: MUSTER_RANK=N exit_worker WITNESS\n");
    return 2;
  }
  const struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const int rank = atoi(getenv("MUSTER_RANK"));
  char go[4096];
  snprintf(go, sizeof go, "%s.go", argv[1]);
  testify(argv[1], "start", rank, 0);
  long long when = 0;
  int code = 0;
  const struct timespec pause = {0, 5 * 1000 * 1000};
  while (!read_order(go, rank, &when, &code)) nanosleep(&pause, NULL);
  const struct timespec end = {when / 1000000000, when % 1000000000};
  while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &end, NULL) == EINTR) {
  }
  testify(argv[1], "end", rank, code);
  if (code < 0) {
    signal(-code, SIG_DFL);
    kill(getpid(), -code);
    sleep(60);
  }
  return code;
}

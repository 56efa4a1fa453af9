// A rank that leaves evidence of every moment of its life outside of the product: appends one line
// to WITNESS each 10 ms, ignores SIGTERM, and exits 0 after SECONDS.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3 || getenv("MUSTER_RANK") == NULL) {
    fprintf(stderr, "usage: MUSTER_RANK=N ticker WITNESS SECONDS\n");
    return 2;
  }
  signal(SIGTERM, SIG_IGN);
  const int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) {
    perror(argv[1]);
    return 120;
  }
  const struct timespec pause = {0, 10000000};
  const long ticks = (long)(atof(argv[2]) * 100);
  for (long i = 0; i <= ticks; ++i) {
    char line[120];
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    const int length =
        snprintf(line, sizeof line, "%s %s %d %lld.%09ld\n", getenv("MUSTER_RANK"),
                 getenv("MUSTER_ATTEMPT"), (int)getpid(), (long long)now.tv_sec, now.tv_nsec);
    if (write(fd, line, (size_t)length) != length) return 121;
    nanosleep(&pause, NULL);
  }
  return 0;
}

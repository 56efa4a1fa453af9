// A rank that leaves evidence outside of the product: it appends one line to WITNESS when it starts
// and one when it ends, writes LINES numbered lines to stdout (each seventh also to stderr), about
// PAUSE_US apart, and exits with CODE.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
  if (fd < 0 || write(fd, line, (size_t)length) != length) {
    perror(path);
    _exit(120);
  }
  close(fd);
}

static void say(int fd, const char* text, size_t length) {
  while (length > 0) {
    const ssize_t n = write(fd, text, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) _exit(121);
    text += n;
    length -= (size_t)n;
  }
}

int main(int argc, char** argv) {
  if (argc != 5 || getenv("MUSTER_RANK") == NULL) {
    fprintf(stderr, "usage: MUSTER_RANK=N witness_worker WITNESS LINES PAUSE_US CODES\n");
    return 2;
  }
  const int rank = atoi(getenv("MUSTER_RANK"));
  const int lines = atoi(argv[2]);
  const struct timespec pause = {0, atol(argv[3]) * 1000};
  // CODES: one number per rank, separated by commas.
  const char* code_text = argv[4];
  for (int i = 0; i < rank && code_text != NULL; ++i) {
    code_text = strchr(code_text, ',');
    if (code_text != NULL) ++code_text;
  }
  const int code = code_text != NULL ? atoi(code_text) : 0;
  testify(argv[1], "start", rank, code);
  for (int i = 0; i < lines; ++i) {
    char line[128];
    const int length =
        snprintf(line, sizeof line, "%d:%d:%08x the quick brown rank jumps over the lazy agent\n",
                 rank, i, (unsigned)(rank * 2654435761u + (unsigned)i * 40503u));
    say(1, line, (size_t)length);
    if (i % 7 == 0) say(2, line, (size_t)length);
    if (pause.tv_nsec > 0) nanosleep(&pause, NULL);
  }
  testify(argv[1], "end", rank, code);
  return code;
}

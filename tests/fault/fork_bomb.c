// Forks as fast as it may, in sessions of their own, ignoring SIGTERM, and outside of the product makes
// sure that it ends: each process exits SECONDS after the first began, whatever happens.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: fork_bomb SECONDS\n");
    return 2;
  }
  signal(SIGTERM, SIG_IGN);
  signal(SIGCHLD, SIG_IGN);  // Nobody waits for anybody.
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  const time_t end = now.tv_sec + atoi(argv[1]);
  const struct timespec pause = {0, 2000000};
  while (now.tv_sec < end) {
    const pid_t pid = fork();
    if (pid == 0) {
      setsid();
      if (rand() % 2 == 0) fclose(stdout);
    } else if (pid < 0) {
      nanosleep(&pause, NULL);  // The limit: this machine has other work.
    } else if (rand() % 8 == 0) {
      return 0;  // Its children are somebody else's now.
    }
    clock_gettime(CLOCK_BOOTTIME, &now);
  }
  return 0;
}

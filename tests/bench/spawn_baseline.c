// The least that a launcher must do: starts N copies of a program by posix_spawn, output to
// /dev/null, then reaps all. What `msctl run --nproc N` is measured against.
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char** environ;

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: spawn_baseline N PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  const int n = atoi(argv[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  for (int i = 0; i < n; ++i) {
    pid_t pid;
    const int error = posix_spawn(&pid, argv[2], &actions, NULL, argv + 2, environ);
    if (error != 0) {
      fprintf(stderr, "spawn_baseline: %s: %s\n", argv[2], strerror(error));
      return 1;
    }
  }
  int failed = 0;
  int status;
  while (wait(&status) > 0) failed += status != 0;
  return failed != 0;
}

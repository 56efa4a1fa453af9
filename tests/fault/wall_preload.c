// The wall clock of a process, moved by so many nanoseconds as the file $WALL_FILE holds at the moment;
// no other clock, and no other process. Waits until a time of day are moved as the kernel would.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t* moved;

__attribute__((constructor)) static void Open(void) {
  const char* const path = getenv("WALL_FILE");
  const int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* const page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) moved = page;
}

static int64_t Offset(void) { return moved == NULL ? 0 : *moved; }

static struct timespec Shift(const struct timespec* when, int64_t by) {
  const int64_t ns = (int64_t)when->tv_sec * 1000000000 + when->tv_nsec + by;
  struct timespec shifted = {ns / 1000000000, ns % 1000000000};
  if (shifted.tv_nsec < 0) {
    shifted.tv_sec -= 1;
    shifted.tv_nsec += 1000000000;
  }
  return shifted;
}

static long Kernel(long number, long a, long b, long c, long d, long e, long f) {
  static long (*next)(long, ...);
  if (next == NULL) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return next(number, a, b, c, d, e, f);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  const long result = Kernel(SYS_clock_gettime, clock, (long)now, 0, 0, 0, 0);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    *now = Shift(now, Offset());
  }
  return (int)result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec precise;
  const int result = clock_gettime(CLOCK_REALTIME, &precise);
  now->tv_sec = precise.tv_sec;
  now->tv_usec = precise.tv_nsec / 1000;
  return result;
}

time_t time(time_t* out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

// Abseil's mutexes wait by this, until a time of day.
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long word[6];
  for (int i = 0; i < 6; ++i) word[i] = va_arg(list, long);
  va_end(list);
  struct timespec until;
  if (number == SYS_futex && (word[1] & FUTEX_CLOCK_REALTIME) != 0 && word[3] != 0) {
    until = Shift((const struct timespec*)word[3], -Offset());
    word[3] = (long)&until;
  }
  return Kernel(number, word[0], word[1], word[2], word[3], word[4], word[5]);
}

int pthread_cond_clockwait(pthread_cond_t* cond, pthread_mutex_t* mutex, clockid_t clock,
                           const struct timespec* until) {
  static int (*next)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const struct timespec*);
  if (next == NULL) *(void**)&next = dlsym(RTLD_NEXT, "pthread_cond_clockwait");
  const struct timespec real = Shift(until, clock == CLOCK_REALTIME ? -Offset() : 0);
  return next(cond, mutex, clock, &real);
}

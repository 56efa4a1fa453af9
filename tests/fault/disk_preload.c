// LD_PRELOADed under a program: writes down what it does to files below a directory, call by call,
// and lets one of the calls fail. For D3 and D4 of the fault matrix; disk_states.py reads the trace.
//
//   DISK_ROOT=DIR           the directory; no other file is looked at
//   DISK_TRACE=FILE         gets one line per call, and the bytes of writes after their line
//   DISK_FAULT=KIND:N       the N-th call of KIND fails: write (EIO), space (a write: ENOSPC), short (a
//                           write that takes half), sync (an fsync or fdatasync: EIO, as Linux does it:
//                           once), rename (EIO)
//
// Files are named by inode, for a name may change while a descriptor is open.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kFds = 4096 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int trace = -1;
static char fault[16];
static int fault_at;
static unsigned long inode_of[kFds];  // 0: a file that is not looked at.
static char is_directory[kFds];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char* value = getenv("DISK_ROOT");
  if (value == NULL || realpath(value, root) == NULL) return;
  root_length = strlen(root);
  value = getenv("DISK_TRACE");
  if (value != NULL) trace = REAL(open)(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  value = getenv("DISK_FAULT");
  if (value != NULL) sscanf(value, "%15[a-z]:%d", fault, &fault_at);
}

static void put(const void* data, size_t size) {
  const char* bytes = data;
  while (trace >= 0 && size > 0) {
    const ssize_t n = REAL(write)(trace, bytes, size);
    if (n <= 0) abort();
    bytes += n;
    size -= (size_t)n;
  }
}

static void say(const char* format, ...) {
  char line[2 * PATH_MAX + 64];
  va_list args;
  va_start(args, format);
  const int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  put(line, (size_t)length);
}

// What the program itself says: it has acknowledged something.
__attribute__((visibility("default"))) void disk_preload_mark(const char* text) {
  pthread_mutex_lock(&mutex);
  say("mark %s\n", text);
  pthread_mutex_unlock(&mutex);
}

// The path below the root, or NULL. Relative paths are not used by what we look at.
static const char* below(const char* path) {
  if (root_length == 0 || path == NULL || strncmp(path, root, root_length) != 0) return NULL;
  if (path[root_length] == '\0') return ".";
  return path[root_length] == '/' ? path + root_length + 1 : NULL;
}

// Whether this call is the one that is to fail. Under the mutex.
static int fails(const char* kind) { return strcmp(kind, fault) == 0 && --fault_at == 0; }

static void look_at(int fd, const char* path, int flags, int was_there) {
  struct stat info;
  if (fd < 0 || fd >= kFds) return;
  inode_of[fd] = 0;
  const char* const name = below(path);
  if (name == NULL || fstat(fd, &info) != 0) return;
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return;
  inode_of[fd] = info.st_ino;
  is_directory[fd] = S_ISDIR(info.st_mode);
  if (is_directory[fd]) say("dir %lu %s\n", inode_of[fd], name);
  else if (!was_there) say("create %lu %s\n", inode_of[fd], name);
  else if ((flags & O_TRUNC) != 0) say("resize %lu 0\n", inode_of[fd]);
}

static int open_file(int (*call)(const char*, int, ...), const char* path, int flags, mode_t mode) {
  if (below(path) == NULL) {
    const int fd = call(path, flags, mode);
    if (fd >= 0 && fd < kFds) inode_of[fd] = 0;
    return fd;
  }
  pthread_mutex_lock(&mutex);
  const int was_there = access(path, F_OK) == 0;
  const int fd = call(path, flags, mode);
  const int error = errno;
  look_at(fd, path, flags, was_there);
  errno = error;
  pthread_mutex_unlock(&mutex);
  return fd;
}

#define OPEN(name)                                  \
  int name(const char* path, int flags, ...) {      \
    va_list args;                                   \
    va_start(args, flags);                          \
    const mode_t mode = va_arg(args, mode_t);       \
    va_end(args);                                   \
    return open_file(REAL(name), path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

int close(int fd) {
  if (fd >= 0 && fd < kFds) inode_of[fd] = 0;
  return REAL(close)(fd);
}

static unsigned long watched(int fd) { return fd >= 0 && fd < kFds ? inode_of[fd] : 0; }

// `at` < 0: at the file's own position.
static ssize_t write_file(int fd, const void* data, size_t size, off_t at) {
  pthread_mutex_lock(&mutex);
  ssize_t wrote = -1;
  if (fails("write")) {
    errno = EIO;
  } else if (fails("space")) {
    errno = ENOSPC;
  } else {
    if (size > 1 && fails("short")) size /= 2;
    const off_t offset = at >= 0 ? at : lseek(fd, 0, SEEK_CUR);
    wrote = at >= 0 ? REAL(pwrite)(fd, data, size, at) : REAL(write)(fd, data, size);
    if (wrote > 0) {
      say("write %lu %ld %zd\n", inode_of[fd], (long)offset, wrote);
      put(data, (size_t)wrote);
    }
  }
  const int error = errno;
  pthread_mutex_unlock(&mutex);
  errno = error;
  return wrote;
}

ssize_t write(int fd, const void* data, size_t size) {
  return watched(fd) == 0 ? REAL(write)(fd, data, size) : write_file(fd, data, size, -1);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  return watched(fd) == 0 ? REAL(pwrite)(fd, data, size, at) : write_file(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  return pwrite(fd, data, size, at);
}

static int sync_file(int (*call)(int), int fd) {
  if (watched(fd) == 0) return call(fd);
  pthread_mutex_lock(&mutex);
  int result = -1;
  if (fails("sync")) {
    say("unsynced %lu\n", inode_of[fd]);
    errno = EIO;
  } else {
    result = call(fd);
    if (result == 0) say("%s %lu\n", is_directory[fd] ? "syncdir" : "sync", inode_of[fd]);
  }
  const int error = errno;
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}
int fsync(int fd) { return sync_file(REAL(fsync), fd); }
int fdatasync(int fd) { return sync_file(REAL(fdatasync), fd); }

int ftruncate(int fd, off_t size) {
  const int result = REAL(ftruncate)(fd, size);
  if (result == 0 && watched(fd) != 0) {
    pthread_mutex_lock(&mutex);
    say("resize %lu %ld\n", inode_of[fd], (long)size);
    pthread_mutex_unlock(&mutex);
  }
  return result;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int posix_fallocate(int fd, off_t at, off_t size) {
  if (watched(fd) == 0) return REAL(posix_fallocate)(fd, at, size);
  pthread_mutex_lock(&mutex);
  int error = EIO;
  if (!fails("write")) {
    error = fails("space") ? ENOSPC : REAL(posix_fallocate)(fd, at, size);
    if (error == 0) say("allocate %lu %ld\n", inode_of[fd], (long)(at + size));
  }
  pthread_mutex_unlock(&mutex);
  return error;
}
int posix_fallocate64(int fd, off64_t at, off64_t size) { return posix_fallocate(fd, at, size); }

int rename(const char* from, const char* to) {
  const char* const old_name = below(from);
  const char* const new_name = below(to);
  if (old_name == NULL || new_name == NULL) return REAL(rename)(from, to);
  pthread_mutex_lock(&mutex);
  int result = -1;
  if (fails("rename")) {
    errno = EIO;
  } else {
    result = REAL(rename)(from, to);
    if (result == 0) say("rename %s %s\n", old_name, new_name);
  }
  const int error = errno;
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}

#define NAMED(name, word, parameters, arguments)                       \
  int name parameters {                                                \
    const int result = REAL(name) arguments;                           \
    if (result == 0 && below(path) != NULL) {                          \
      pthread_mutex_lock(&mutex);                                      \
      say("%s %s\n", word, below(path));                               \
      pthread_mutex_unlock(&mutex);                                    \
    }                                                                  \
    return result;                                                     \
  }
NAMED(unlink, "unlink", (const char* path), (path))
NAMED(rmdir, "rmdir", (const char* path), (path))
NAMED(mkdir, "mkdir", (const char* path, mode_t mode), (path, mode))

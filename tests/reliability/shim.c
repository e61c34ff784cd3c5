/* Makes calls of the C library fail, once and where it is told: preloaded by the faults session.

   fault_arm(call, nth, kind, value): the nth call from now, of this name and for a path or file below fault_folder, fails
   with errno `value` (kind 0), or writes only `value` bytes (kind 1). fault_hits() says whether it has. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char folder[4096], armed[32];
static long left = -1, kind, value, hits;

void fault_folder(const char* path) { snprintf(folder, sizeof(folder), "%s", path); }
void fault_arm(const char* call, long nth, long how, long what) {
  snprintf(armed, sizeof(armed), "%s", call);
  left = nth;
  kind = how;
  value = what;
  hits = 0;
}
long fault_hits(void) {
  left = -1;
  return hits;
}

static int below(const char* path) { return path && *folder && strstr(path, folder) == path; }
static int of_file(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof(path) - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}
static int due(const char* call, int ours) {
  if (left < 0 || !ours || strcmp(call, armed) != 0 || left-- > 0) return 0;
  ++hits;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL return errno = (int)value, -1

ssize_t write(int fd, const void* data, size_t n) {
  if (left >= 0 && due("write", of_file(fd))) {
    if (kind == 0) FAIL;
    if ((size_t)value < n) n = (size_t)value;
  }
  return REAL(write)(fd, data, n);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  if (left >= 0 && due("write", of_file(fd))) {
    if (kind == 0) FAIL;
    if (count > 0 && (size_t)value < parts[0].iov_len) return REAL(write)(fd, parts[0].iov_base, (size_t)value);
  }
  return REAL(writev)(fd, parts, count);
}
int fsync(int fd) {
  if (left >= 0 && due("fsync", of_file(fd))) FAIL;
  return REAL(fsync)(fd);
}
int rename(const char* from, const char* to) {
  if (left >= 0 && due("rename", below(from))) FAIL;
  return REAL(rename)(from, to);
}
int mkdir(const char* path, mode_t mode) {
  if (left >= 0 && due("mkdir", below(path))) FAIL;
  return REAL(mkdir)(path, mode);
}
int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if (left >= 0 && due("open", below(path))) FAIL;
  return REAL(open64)(path, flags, mode);
}

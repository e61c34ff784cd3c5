/* The devices' memory: the host's, as a careful debugger would hand it out.
 *
 * Addresses are shifted to where the host can't reach, fresh memory is filled with nonsense and freed memory with
 * another, and a guard behind every block is looked at when the block is freed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cedar.h"

#define FAR_AWAY ((uintptr_t)1 << 62) /* no address of a 64-bit process */
enum { ALIGNMENT = 64, GUARD = 64, GUARD_BYTE = 0xA5, FRESH_BYTE = 0xCD, FREED_BYTE = 0xDD };

/* In front of every block. */
typedef struct header {
  size_t bytes;
  int32_t index;
  char padding[ALIGNMENT - sizeof(size_t) - sizeof(int32_t)];
} header;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static dt_memory_stats statistics[DEVICES];
static int64_t live_blocks[DEVICES];
static int64_t damaged_blocks;

void* host_address(const void* device_address) {
  return device_address ? (void*)((uintptr_t)device_address - FAR_AWAY) : NULL;
}

static void* device_address(void* host) { return (void*)((uintptr_t)host + FAR_AWAY); }

dt_status memory_alloc(void* self, int32_t index, size_t bytes, void* stream, void** out) {
  (void)self, (void)stream;
  if (bytes > SIZE_MAX / 2) return DT_ERR_MEMORY;
  const size_t whole = (sizeof(header) + bytes + GUARD + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  header* block = aligned_alloc(ALIGNMENT, whole);
  if (!block) return DT_ERR_MEMORY;
  block->bytes = bytes;
  block->index = index;
  char* data = (char*)(block + 1);
  memset(data, FRESH_BYTE, bytes);
  memset(data + bytes, GUARD_BYTE, GUARD);
  *out = device_address(data);

  pthread_mutex_lock(&lock);
  dt_memory_stats* s = &statistics[index];
  ++live_blocks[index];
  ++s->allocations;
  ++s->system_allocations; /* nothing is kept for later */
  s->allocated += bytes;
  s->reserved += whole;
  if (s->allocated > s->peak_allocated) s->peak_allocated = s->allocated;
  if (s->reserved > s->peak_reserved) s->peak_reserved = s->reserved;
  pthread_mutex_unlock(&lock);
  return DT_OK;
}

static bool is_damaged(const header* block, int32_t index, size_t bytes) {
  const unsigned char* guard = (const unsigned char*)(block + 1) + bytes;
  if (block->bytes != bytes || block->index != index) return true;
  for (int i = 0; i < GUARD; ++i)
    if (guard[i] != GUARD_BYTE) return true;
  return false;
}

void memory_free(void* self, int32_t index, void* data, size_t bytes, void* stream) {
  (void)self, (void)stream;
  header* block = (header*)host_address(data) - 1;
  const bool damaged = is_damaged(block, index, bytes);
  if (damaged) fprintf(stderr, "cedar: a block of %zu bytes was written past its end, or freed as another\n", bytes);
  const size_t whole = (sizeof(header) + bytes + GUARD + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

  pthread_mutex_lock(&lock);
  damaged_blocks += damaged;
  --live_blocks[index];
  statistics[index].allocated -= bytes;
  statistics[index].reserved -= whole;
  pthread_mutex_unlock(&lock);
  if (damaged) return; /* its size is in doubt: keep it */
  memset(block + 1, FREED_BYTE, bytes);
  free(block);
}

dt_status memory_copy(void* self, int32_t index, void* to, const void* from, size_t bytes, int32_t direction,
                      void* stream) {
  (void)self, (void)index, (void)stream;
  if (direction != DT_COPY_DEVICE_TO_HOST) to = host_address(to);
  if (direction != DT_COPY_HOST_TO_DEVICE) from = host_address(from);
  memmove(to, from, bytes);
  return DT_OK;
}

/* A caller of another minor has another struct_size: it gets what both know of. */
dt_status memory_statistics(void* self, int32_t index, dt_memory_stats* out, int32_t reset_peaks) {
  (void)self;
  pthread_mutex_lock(&lock);
  dt_memory_stats* s = &statistics[index];
  if (reset_peaks) {
    s->peak_allocated = s->allocated;
    s->peak_reserved = s->reserved;
  }
  s->struct_size = out->struct_size;
  memcpy(out, s, out->struct_size < sizeof *s ? out->struct_size : sizeof *s);
  pthread_mutex_unlock(&lock);
  return DT_OK;
}

/* ---- for the tests, by ctypes ------------------------------------------------------------------------- */

__attribute__((visibility("default"))) int64_t cedar_live_blocks(int32_t index) {
  pthread_mutex_lock(&lock);
  const int64_t count = live_blocks[index];
  pthread_mutex_unlock(&lock);
  return count;
}

__attribute__((visibility("default"))) int64_t cedar_damaged_blocks(void) {
  pthread_mutex_lock(&lock);
  const int64_t count = damaged_blocks;
  pthread_mutex_unlock(&lock);
  return count;
}

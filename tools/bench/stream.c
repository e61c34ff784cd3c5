/* The machine's own bandwidth: out = a, out = a + b, the sum of a, and casts to half the bytes and to twice as many,
   over arrays of as many elements as asked, by as many threads, with stores through the cache and past it. For each
   line of its input, the name of a kernel, it prints the best bytes a second of a few rounds; the bytes are those that
   must move, so a read of the destination for ownership does not count. The arrays hold numbers: zeros are moved faster
   than anything else. */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { ROUNDS = 4, MAX_THREADS = 256 };

typedef float block __attribute__((vector_size(32)));
typedef uint32_t wide __attribute__((vector_size(32)));
typedef uint16_t half __attribute__((vector_size(16)));
enum kernel { COPY, COPY_PAST, ADD, ADD_PAST, NARROW, NARROW_PAST, WIDEN, WIDEN_PAST, READ, STOP };

static size_t count; /* elements of an array, in whole blocks */
static float *a, *b, *out;
static volatile float total; /* so that the sums are made */
static int threads;
static enum kernel chosen;
static pthread_barrier_t barrier;

static void store_past(block* to, block value) {
#if defined(__AVX__)
  __builtin_ia32_movntps256((float*)to, value);
#else
  *to = value;
#endif
}

static void store_half_past(half* to, half value) {
#if defined(__SSE2__)
  typedef long long pair __attribute__((vector_size(16)));
  __builtin_ia32_movntdq((pair*)to, (pair)value);
#else
  *to = value;
#endif
}

static half narrowed(block x) { return __builtin_convertvector((wide)x >> 16, half); }
static block widened(half x) { return (block)(__builtin_convertvector(x, wide) << 16); }

static float sum(const block* x, size_t blocks) {
  block sums[8] = {{0}};
  for (size_t i = 0; i + 8 <= blocks; i += 8) {
    for (int j = 0; j < 8; ++j) sums[j] += x[i + j];
  }
  for (int j = 1; j < 8; ++j) sums[0] += sums[j];
  return sums[0][0] + sums[0][1] + sums[0][2] + sums[0][3] + sums[0][4] + sums[0][5] + sums[0][6] + sums[0][7];
}

static void run(enum kernel kernel, size_t begin, size_t end) {
  const block *x = (const block*)a, *y = (const block*)b;
  const half* short_x = (const half*)a;
  block* z = (block*)out;
  half* short_z = (half*)out;
  switch (kernel) {
    case COPY:
      for (size_t i = begin; i < end; ++i) z[i] = x[i];
      break;
    case COPY_PAST:
      for (size_t i = begin; i < end; ++i) store_past(z + i, x[i]);
      break;
    case ADD:
      for (size_t i = begin; i < end; ++i) z[i] = x[i] + y[i];
      break;
    case ADD_PAST:
      for (size_t i = begin; i < end; ++i) store_past(z + i, x[i] + y[i]);
      break;
    case NARROW:
      for (size_t i = begin; i < end; ++i) short_z[i] = narrowed(x[i]);
      break;
    case NARROW_PAST:
      for (size_t i = begin; i < end; ++i) store_half_past(short_z + i, narrowed(x[i]));
      break;
    case WIDEN:
      for (size_t i = begin; i < end; ++i) z[i] = widened(short_x[i]);
      break;
    case WIDEN_PAST:
      for (size_t i = begin; i < end; ++i) store_past(z + i, widened(short_x[i]));
      break;
    default:
      total = sum(x + begin, end - begin);
      break;
  }
}

/* Waits for a round to begin, does its share, and says that it is done. */
static void* work(void* index) {
  size_t blocks = count / 8, mine = (size_t)(intptr_t)index;
  for (;;) {
    pthread_barrier_wait(&barrier);
    if (chosen == STOP) return NULL;
    run(chosen, blocks * mine / threads, blocks * (mine + 1) / threads);
    pthread_barrier_wait(&barrier);
  }
}

static float* allocate(void) {
  size_t bytes = (count * sizeof(float) + (2u << 20)) & ~(size_t)((2u << 20) - 1);
  float* memory = aligned_alloc(2u << 20, bytes);
  if (!memory) exit(1);
  madvise(memory, bytes, MADV_HUGEPAGE);
  for (uint32_t i = 0; i < bytes / sizeof(float); ++i) memory[i] = (float)(i * 2654435761u);
  return memory;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* The best of a kernel's rounds; this thread takes part as the first worker. */
static double seconds(enum kernel kernel) {
  double best = 1e9;
  for (int round = 0; round < ROUNDS; ++round) {
    chosen = kernel;
    double start = now();
    pthread_barrier_wait(&barrier);
    run(kernel, 0, count / 8 / threads);
    pthread_barrier_wait(&barrier);
    double taken = now() - start;
    if (taken < best) best = taken;
  }
  return best;
}

/* Bytes a second, by the better of a kernel's two ways to store. */
static double rate(enum kernel kernel, double bytes, int two_ways) {
  double taken = seconds(kernel);
  if (two_ways) {
    double past = seconds(kernel + 1);
    if (past < taken) taken = past;
  }
  return bytes / taken;
}

int main(int argc, char** argv) {
  threads = argc > 1 ? atoi(argv[1]) : 1;
  count = argc > 2 ? strtoul(argv[2], NULL, 10) / 8 * 8 : 10000000;
  if (threads < 1 || threads > MAX_THREADS || count == 0) return 2;
  a = allocate(), b = allocate(), out = allocate();
  pthread_barrier_init(&barrier, NULL, threads);
  pthread_t started[MAX_THREADS];
  for (int i = 1; i < threads; ++i) {
    if (pthread_create(&started[i], NULL, work, (void*)(intptr_t)i)) return 1;
  }
  const double bytes = count * sizeof(float);
  char name[16];
  while (scanf("%15s", name) == 1) {
    double found = 0;
    if (!strcmp(name, "copy")) found = rate(COPY, 2 * bytes, 1);
    if (!strcmp(name, "add")) found = rate(ADD, 3 * bytes, 1);
    if (!strcmp(name, "narrow")) found = rate(NARROW, 1.5 * bytes, 1);
    if (!strcmp(name, "widen")) found = rate(WIDEN, 1.5 * bytes, 1);
    if (!strcmp(name, "read")) found = rate(READ, bytes, 0);
    printf("%.6g\n", found);
    fflush(stdout);
  }
  chosen = STOP;
  if (threads > 1) pthread_barrier_wait(&barrier);
  for (int i = 1; i < threads; ++i) pthread_join(started[i], NULL);
  return 0;
}

/* The processor's own peak: multiplications and additions of floats in registers, by as many threads as asked. Prints
   the best operations a second. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
enum { WIDTH = 16 };
#else
enum { WIDTH = 8 };
#endif
/* Chains at once: enough to hide the latency of an addition, few enough for the registers. */
enum { CHAINS = 12, STEPS = 200000, ROUNDS = 60, MAX_THREADS = 256 };

typedef float vector __attribute__((vector_size(4 * WIDTH)));

static int threads;
static pthread_barrier_t barrier;
static volatile float factor = 0.999f, summand = 1e-3f;
static float kept[MAX_THREADS];

static float run(void) {
  vector sums[CHAINS], f, s;
  for (int i = 0; i < WIDTH; ++i) f[i] = factor, s[i] = summand;
  for (int c = 0; c < CHAINS; ++c) sums[c] = s * (float)c;
  for (int step = 0; step < STEPS; ++step) {
#pragma GCC unroll 12
    for (int c = 0; c < CHAINS; ++c) sums[c] = sums[c] * f + s;
  }
  float total = 0;
  for (int c = 0; c < CHAINS; ++c) total += sums[c][0];
  return total;
}

static void* work(void* index) {
  for (int round = 0; round < ROUNDS; ++round) {
    pthread_barrier_wait(&barrier);
    kept[(intptr_t)index] += run();
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

int main(int argc, char** argv) {
  threads = argc > 1 ? atoi(argv[1]) : 1;
  if (threads < 1 || threads > MAX_THREADS) return 2;
  pthread_barrier_init(&barrier, NULL, threads);
  pthread_t started[MAX_THREADS];
  for (int i = 1; i < threads; ++i) {
    if (pthread_create(&started[i], NULL, work, (void*)(intptr_t)i)) return 1;
  }
  double best = 1e9;
  for (int round = 0; round < ROUNDS; ++round) {
    double start = now();
    pthread_barrier_wait(&barrier);
    kept[0] += run();
    pthread_barrier_wait(&barrier);
    double taken = now() - start;
    if (taken < best) best = taken;
  }
  for (int i = 1; i < threads; ++i) pthread_join(started[i], NULL);
  printf("%.6g\n", 2.0 * WIDTH * CHAINS * STEPS * threads / best);
  return 0;
}

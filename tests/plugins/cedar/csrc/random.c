/* Philox 4x32-10: random words as a pure function of a key and a counter (Salmon et al., "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011). All ops here begin with (size, key, offset, ...). */
#include <math.h>

#include "cedar.h"

typedef struct words {
  uint32_t w[4];
} words;

static words philox(uint64_t key, uint64_t counter) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  uint32_t x0 = (uint32_t)counter, x1 = (uint32_t)(counter >> 32), x2 = 0, x3 = 0;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = (uint64_t)0xD2511F53 * x0, p1 = (uint64_t)0xCD9E8D57 * x2;
    x0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0;
    x1 = (uint32_t)p1;
    x2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
    x3 = (uint32_t)p0;
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return (words){{x0, x1, x2, x3}};
}

/* The block that holds element i where there are `each` elements in one. */
static words block_of(const call* c, int64_t i, int64_t each) {
  return philox((uint64_t)c->args[1].as.i, (uint64_t)c->args[2].as.i + (uint64_t)(i / each));
}

/* The two words of element i of 64 bits. */
static uint64_t word64(const call* c, int64_t i) {
  const words b = block_of(c, i, 2);
  return b.w[2 * (i % 2)] | (uint64_t)b.w[2 * (i % 2) + 1] << 32;
}

static double uniform32(uint32_t word) { return (word >> 8) * 0x1p-24; }
static double uniform64(uint32_t low, uint32_t high) { return ((low >> 5) * 0x1p26 + (high >> 6)) * 0x1p-53; }

/* ---- what becomes of the words ------------------------------------------------------------------------ */

/* Element i of a real dtype: the upper bits of a word, as many as the dtype holds below 1. */
static double uniform(const call* c, int32_t real, int64_t i) {
  if (real == DT_FLOAT64) {
    const words b = block_of(c, i, 2);
    return uniform64(b.w[2 * (i % 2)], b.w[2 * (i % 2) + 1]);
  }
  const int bits = real == DT_FLOAT16 ? 11 : real == DT_BFLOAT16 ? 8 : 24;
  return ldexp(block_of(c, i, 4).w[i % 4] >> (32 - bits), -bits);
}

/* Box and Muller: a pair of uniforms, the first one in (0, 1], makes a pair of normals. */
static double normal(const call* c, int32_t real, int64_t i) {
  double u, v;
  if (real == DT_FLOAT64) {
    const words b = block_of(c, i, 2);
    u = uniform64(b.w[0], b.w[1]) + 0x1p-53;
    v = uniform64(b.w[2], b.w[3]);
  } else {
    const words b = block_of(c, i, 4);
    u = uniform32(b.w[i % 4 / 2 * 2]) + 0x1p-24;
    v = uniform32(b.w[i % 4 / 2 * 2 + 1]);
  }
  const double radius = sqrt(-2 * log(u)), angle = 6.28318530717958647693 * v;
  return radius * (i % 2 ? sin(angle) : cos(angle));
}

/* A complex number's parts are two real elements. */
static cell of_reals(const call* c, int64_t i, double (*element)(const call*, int32_t, int64_t)) {
  const int32_t to = c->outs[0].dtype;
  if (dtype_of(to)->kind == REAL) return (cell){.real = element(c, to, i)};
  const int32_t part = to == DT_COMPLEX64 ? DT_FLOAT32 : DT_FLOAT64;
  return (cell){.number = CMPLX(element(c, part, 2 * i), element(c, part, 2 * i + 1))};
}

static cell any_uniform(const call* c, int64_t i) { return of_reals(c, i, uniform); }
static cell any_normal(const call* c, int64_t i) { return of_reals(c, i, normal); }

/* (..., low, high): from low up to, and without, high. */
static cell randint(const call* c, int64_t i) {
  const uint64_t low = (uint64_t)c->args[3].as.i, range = (uint64_t)c->args[4].as.i - low;
  cell value = {.natural = low + word64(c, i) % range};
  return convert(value, WHOLE, c->outs[0].dtype);
}

static cell bits(const call* c, int64_t i) { return (cell){.natural = word64(c, i)}; }

#define DRAW(name, element)                      \
  static dt_status name(const call* c) {         \
    const int64_t count = count_of(&c->outs[0]); \
    for (int64_t i = 0; i < count; ++i) {        \
      const cell value = element(c, i);          \
      store_range(&c->outs[0], &value, i, 1);    \
    }                                            \
    return DT_OK;                                \
  }
DRAW(philox_uniform, any_uniform)
DRAW(philox_normal, any_normal)
DRAW(philox_randint, randint)
DRAW(philox_bits, bits)

const kernel random_kernels[] = {
    {"philox_uniform", REAL | COMPLEX, philox_uniform, NULL, NULL, {0}},
    {"philox_normal", REAL | COMPLEX, philox_normal, NULL, NULL, {0}},
    {"philox_randint", ORDERED, philox_randint, NULL, NULL, {0}},
    {"philox_bits", WHOLE, philox_bits, NULL, NULL, {0}},
    {0},
};

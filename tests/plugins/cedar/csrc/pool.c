/* Pooling: the largest, or the mean, of every window. */
#include <math.h>

#include "cedar.h"
#include "window.h"

/* The planes of (N, C, *spatial), and the windows over each. */
typedef struct pooling {
  int64_t planes;
  int64_t in[SPATIAL], out[SPATIAL], kernel[SPATIAL], stride[SPATIAL], padding[SPATIAL], dilation[SPATIAL];
} pooling;

/* The arguments from `first` are kernel_size, stride, padding; and dilation where `dilated`. */
static pooling pooling_of(const call* c, const dt_array* in, const dt_array* out, int32_t first, bool dilated) {
  const int32_t n = in->ndim - 2;
  pooling p = {.planes = in->sizes[0] * in->sizes[1]};
  spatial(p.in, in->sizes + 2, n, 1);
  spatial(p.out, out->sizes + 2, n, 1);
  spatial(p.kernel, c->args[first].as.ints, n, 1);
  spatial(p.stride, c->args[first + 1].as.ints, n, 1);
  spatial(p.padding, c->args[first + 2].as.ints, n, 0);
  spatial(p.dilation, dilated ? c->args[first + 3].as.ints : NULL, dilated ? n : 0, 1);
  return p;
}

/* Where in the plane tap k of window o lies; -1: in the padding. */
static int64_t met(const pooling* p, const int64_t o[SPATIAL], const int64_t k[SPATIAL]) {
  int64_t at[SPATIAL];
  for (int32_t d = 0; d < SPATIAL; ++d) {
    at[d] = o[d] * p->stride[d] - p->padding[d] + k[d] * p->dilation[d];
    if (at[d] < 0 || at[d] >= p->in[d]) return -1;
  }
  return ravel(at, p->in);
}

/* ---- max_pool(self, kernel_size, stride, padding, dilation, ceil_mode) -> (values, indices) ----------- */

static bool is_larger(int kind, cell a, cell b) {
  if (kind == REAL) return a.real > b.real || (isnan(a.real) && !isnan(b.real));
  return kind == WHOLE ? a.whole > b.whole : a.natural > b.natural;
}

/* The place of the largest in window o; NaN counts as that. */
static int64_t largest(const pooling* p, const cell* plane, int kind, const int64_t o[SPATIAL]) {
  int64_t best = -1;
  for (int64_t k = 0; k < volume(p->kernel); ++k) {
    int64_t tap[SPATIAL];
    unravel(tap, k, p->kernel);
    const int64_t at = met(p, o, tap);
    if (at >= 0 && (best < 0 || is_larger(kind, plane[at], plane[best]))) best = at;
  }
  return best;
}

static dt_status max_pool(const call* c) {
  const pooling p = pooling_of(c, &c->ins[0], &c->outs[0], 1, true);
  const int kind = dtype_of(c->ins[0].dtype)->kind;
  const int64_t windows = volume(p.out);
  const cell* in = load_input(c, 0);
  cell *values = new_cells(c, p.planes * windows), *places = new_cells(c, p.planes * windows);
  if (!in || !values || !places) return DT_ERR_MEMORY;
  for (int64_t i = 0; i < p.planes * windows; ++i) {
    const cell* plane = in + i / windows * volume(p.in);
    int64_t o[SPATIAL];
    unravel(o, i % windows, p.out);
    places[i].whole = largest(&p, plane, kind, o);
    values[i] = plane[places[i].whole];
  }
  store_output(c, 0, values);
  store_output(c, 1, places);
  return DT_OK;
}

/* ---- avg_pool(self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override) ------ */

/* What a window's sum is divided by: the places it covers, those of the padding counted or not. */
static double divisor(const call* c, const pooling* p, int32_t first, const int64_t o[SPATIAL]) {
  const dt_value *include_pad = &c->args[first + 4], *override = &c->args[first + 5];
  if (override->tag != DT_NONE) return (double) override->as.i;
  int64_t count = 1;
  for (int32_t d = 0; d < SPATIAL; ++d) {
    const int64_t begin = o[d] * p->stride[d] - p->padding[d];
    const int64_t end = smaller(begin + p->kernel[d], p->in[d] + p->padding[d]);
    count *= include_pad->as.i ? end - begin : larger(smaller(end, p->in[d]) - larger(begin, 0), 0);
  }
  return (double)count;
}

static dt_status avg_pool(const call* c) {
  const pooling p = pooling_of(c, &c->ins[0], &c->outs[0], 1, false);
  const int64_t windows = volume(p.out);
  const cell* in = load_input(c, 0);
  cell* out = new_cells(c, p.planes * windows);
  if (!in || !out) return DT_ERR_MEMORY;
  for (int64_t i = 0; i < p.planes * windows; ++i) {
    int64_t o[SPATIAL], tap[SPATIAL];
    double sum = 0;
    unravel(o, i % windows, p.out);
    for (int64_t k = 0; k < volume(p.kernel); ++k) {
      unravel(tap, k, p.kernel);
      const int64_t at = met(&p, o, tap);
      if (at >= 0) sum += in[i / windows * volume(p.in) + at].real;
    }
    out[i].real = sum / divisor(c, &p, 1, o);
  }
  store_output(c, 0, out);
  return DT_OK;
}

/* avg_pool_grad(grad, input_size, kernel_size, ...): every place of a window gets its share of the window's. */
static dt_status avg_pool_grad(const call* c) {
  const pooling p = pooling_of(c, &c->outs[0], &c->ins[0], 2, false);
  const int64_t windows = volume(p.out), count = p.planes * volume(p.in);
  const cell* grad = load_input(c, 0);
  cell* out = new_cells(c, count);
  if (!grad || !out) return DT_ERR_MEMORY;
  for (int64_t i = 0; i < count; ++i) out[i].real = 0;
  for (int64_t i = 0; i < p.planes * windows; ++i) {
    int64_t o[SPATIAL], tap[SPATIAL];
    unravel(o, i % windows, p.out);
    const double share = grad[i].real / divisor(c, &p, 2, o);
    for (int64_t k = 0; k < volume(p.kernel); ++k) {
      unravel(tap, k, p.kernel);
      const int64_t at = met(&p, o, tap);
      if (at >= 0) out[i / windows * volume(p.in) + at].real += share;
    }
  }
  store_output(c, 0, out);
  return DT_OK;
}

const kernel pool_kernels[] = {
    {"max_pool", ORDERED, max_pool, NULL, NULL, {0}},
    {"avg_pool", REAL, avg_pool, NULL, NULL, {0}},
    {"avg_pool_grad", REAL, avg_pool_grad, NULL, NULL, {0}},
    {0},
};

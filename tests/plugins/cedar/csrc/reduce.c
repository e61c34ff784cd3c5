/* Reductions, scans, and the places of extremes. */
#include <math.h>
#include <string.h>

#include "cedar.h"

/* ---- folds -------------------------------------------------------------------------------------------- */

#define FOLD(name, field, expression)                        \
  static void name(cell* total, const cell* in, int64_t n) { \
    __typeof__(total->field) a = total->field;               \
    for (int64_t i = 0; i < n; ++i) {                        \
      const __typeof__(a) x = in[i].field;                   \
      a = expression;                                        \
    }                                                        \
    total->field = a;                                        \
  }
FOLD(real_sum, real, a + x)
FOLD(number_sum, number, a + x)
FOLD(number_product, number, a* x)
FOLD(exact_sum, natural, a + x)
FOLD(real_product, real, a* x)
FOLD(exact_product, natural, a* x)
FOLD(real_largest, real, x > a || isnan(x) ? x : a)
FOLD(real_least, real, x < a || isnan(x) ? x : a)
FOLD(whole_largest, whole, x > a ? x : a)
FOLD(whole_least, whole, x < a ? x : a)
FOLD(natural_largest, natural, x > a ? x : a)
FOLD(natural_least, natural, x < a ? x : a)
FOLD(exact_any, natural, a || x)
FOLD(exact_all, natural, a&& x)

/* These make truths of reals. */
static void real_any(cell* total, const cell* in, int64_t n) {
  for (int64_t i = 0; i < n; ++i) total->natural |= in[i].real != 0;
}

static void real_all(cell* total, const cell* in, int64_t n) {
  for (int64_t i = 0; i < n; ++i) total->natural &= in[i].real != 0;
}

static void number_any(cell* total, const cell* in, int64_t n) {
  for (int64_t i = 0; i < n; ++i) total->natural |= in[i].number != 0;
}

static void number_all(cell* total, const cell* in, int64_t n) {
  for (int64_t i = 0; i < n; ++i) total->natural &= in[i].number != 0;
}

/* ---- reductions --------------------------------------------------------------------------------------- */

/* One input; the output has its dims, with stride 0 on those that are folded: the dims split into two arrays, of the
 * places in the output and of what is folded into each. */
static dt_status reduction(const call* c) {
  const dt_array *out = &c->outs[0], *in = &c->ins[0];
  int64_t sizes[2][DT_MAX_DIMS], in_strides[2][DT_MAX_DIMS], out_strides[DT_MAX_DIMS];
  int32_t ndim[2] = {0, 0};
  for (int32_t d = 0; d < in->ndim; ++d) {
    const int folded = out->strides[d] == 0;
    if (!folded) out_strides[ndim[0]] = out->strides[d];
    sizes[folded][ndim[folded]] = in->sizes[d];
    in_strides[folded][ndim[folded]++] = in->strides[d];
  }
  const dt_array places = {out->data, sizes[0], out_strides, ndim[0], out->dtype};
  const dt_array firsts = {in->data, sizes[0], in_strides[0], ndim[0], in->dtype};
  dt_array folded = {in->data, sizes[1], in_strides[1], ndim[1], in->dtype};
  const int64_t count = count_of(&places), extent = count_of(&folded);
  const int64_t size = (int64_t)dtype_of(in->dtype)->size;
  for (int64_t i = 0; i < count; ++i) {
    cell total = c->kernel->start, block[BLOCK];
    folded.data = (char*)in->data + offset_of(&firsts, i) * size;
    for (int64_t at = 0; at < extent; at += BLOCK) {
      const int64_t n = smaller(BLOCK, extent - at);
      load_range(&folded, block, at, n);
      c->kernel->fold(&total, block, n);
    }
    store_range(&places, &total, i, 1);
  }
  return DT_OK;
}

/* ---- scans: (self, dim) ------------------------------------------------------------------------------- */

static dt_status scan(const call* c) {
  cell* cells = load_input(c, 0);
  if (!cells) return DT_ERR_MEMORY;
  const lines l = lines_of(&c->ins[0], c->args[1].as.i);
  for (int64_t line = 0; line < l.outer * l.inner; ++line) {
    cell* first = cells + line / l.inner * l.size * l.inner + line % l.inner;
    cell total = c->kernel->start;
    for (int64_t i = 0; i < l.size; ++i) {
      c->kernel->fold(&total, &first[i * l.inner], 1);
      first[i * l.inner] = total;
    }
  }
  store_output(c, 0, cells);
  return DT_OK;
}

/* ---- argmax and argmin: (self, dim), the first NaN, else the first of the extremes -------------------- */

static bool is_further(const call* c, int kind, cell x, cell best) {
  const bool least = strcmp(c->kernel->op, "argmin") == 0;
  switch (kind) {
    case REAL:
      return !isnan(best.real) && (isnan(x.real) || (least ? x.real < best.real : x.real > best.real));
    case WHOLE:
      return least ? x.whole < best.whole : x.whole > best.whole;
    default:
      return least ? x.natural < best.natural : x.natural > best.natural;
  }
}

static dt_status place_of_extreme(const call* c) {
  const cell* cells = load_input(c, 0);
  cell* places = new_cells(c, count_of(&c->outs[0]));
  if (!cells || !places) return DT_ERR_MEMORY;
  const int kind = dtype_of(c->ins[0].dtype)->kind;
  lines l = {1, count_of(&c->ins[0]), 1};
  if (c->args[1].tag == DT_INT) l = lines_of(&c->ins[0], c->args[1].as.i);
  for (int64_t line = 0; line < l.outer * l.inner; ++line) {
    const cell* first = cells + line / l.inner * l.size * l.inner + line % l.inner;
    int64_t best = 0;
    for (int64_t i = 1; i < l.size; ++i)
      if (is_further(c, kind, first[i * l.inner], first[best * l.inner])) best = i;
    places[line].whole = best;
  }
  store_output(c, 0, places);
  return DT_OK;
}

const kernel reduce_kernels[] = {
    {"sum", REAL, reduction, NULL, real_sum, {.real = 0}},
    {"sum", COMPLEX, reduction, NULL, number_sum, {.number = 0}},
    {"sum", EXACT, reduction, NULL, exact_sum, {.natural = 0}},
    {"prod", REAL, reduction, NULL, real_product, {.real = 1}},
    {"prod", COMPLEX, reduction, NULL, number_product, {.number = 1}},
    {"prod", EXACT, reduction, NULL, exact_product, {.natural = 1}},
    {"amax", REAL, reduction, NULL, real_largest, {.real = -INFINITY}},
    {"amax", WHOLE, reduction, NULL, whole_largest, {.whole = INT64_MIN}},
    {"amax", NATURAL, reduction, NULL, natural_largest, {.natural = 0}},
    {"amin", REAL, reduction, NULL, real_least, {.real = INFINITY}},
    {"amin", WHOLE, reduction, NULL, whole_least, {.whole = INT64_MAX}},
    {"amin", NATURAL, reduction, NULL, natural_least, {.natural = UINT64_MAX}},
    {"any", REAL, reduction, NULL, real_any, {.natural = 0}},
    {"any", COMPLEX, reduction, NULL, number_any, {.natural = 0}},
    {"any", EXACT, reduction, NULL, exact_any, {.natural = 0}},
    {"all", REAL, reduction, NULL, real_all, {.natural = 1}},
    {"all", COMPLEX, reduction, NULL, number_all, {.natural = 1}},
    {"all", EXACT, reduction, NULL, exact_all, {.natural = 1}},
    {"cumsum", REAL, scan, NULL, real_sum, {.real = 0}},
    {"cumsum", COMPLEX, scan, NULL, number_sum, {.number = 0}},
    {"cumsum", EXACT, scan, NULL, exact_sum, {.natural = 0}},
    {"cumprod", REAL, scan, NULL, real_product, {.real = 1}},
    {"cumprod", COMPLEX, scan, NULL, number_product, {.number = 1}},
    {"cumprod", EXACT, scan, NULL, exact_product, {.natural = 1}},
    {"argmax", ORDERED, place_of_extreme, NULL, NULL, {0}},
    {"argmin", ORDERED, place_of_extreme, NULL, NULL, {0}},
    {0},
};

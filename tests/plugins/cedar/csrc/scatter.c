/* Writing to places that an index tensor names: (self, dim, index, src, ...). */
#include <math.h>
#include <string.h>

#include "cedar.h"

/* How the elements that meet at a place are folded into one. */
typedef enum fold { REPLACE, SUM, PRODUCT, MEAN, LARGEST, LEAST } fold;

static fold fold_of(const call* c) {
  if (strcmp(c->kernel->op, "scatter") == 0) return REPLACE;
  if (strcmp(c->kernel->op, "scatter_add") == 0) return SUM;
  const char* name = c->args[4].as.string;
  return strcmp(name, "sum") == 0    ? SUM
         : strcmp(name, "prod") == 0 ? PRODUCT
         : strcmp(name, "mean") == 0 ? MEAN
         : strcmp(name, "amax") == 0 ? LARGEST
                                     : LEAST;
}

static cell folded_real(fold how, double a, double b) {
  switch (how) {
    case SUM:
    case MEAN:
      return (cell){.real = a + b};
    case PRODUCT:
      return (cell){.real = a * b};
    case LARGEST:
      return (cell){.real = a > b || isnan(a) ? a : b};
    case LEAST:
      return (cell){.real = a < b || isnan(a) ? a : b};
    default:
      return (cell){.real = b};
  }
}

static cell folded_number(fold how, double _Complex a, double _Complex b) {
  if (how == REPLACE) return (cell){.number = b};
  return (cell){.number = how == PRODUCT ? a * b : a + b};
}

static cell folded_exact(fold how, int kind, cell a, cell b) {
  const bool first_is_larger = kind == WHOLE ? a.whole > b.whole : a.natural > b.natural;
  switch (how) {
    case SUM:
    case MEAN:
      return (cell){.natural = a.natural + b.natural};
    case PRODUCT:
      return (cell){.natural = a.natural * b.natural};
    case LARGEST:
      return first_is_larger ? a : b;
    case LEAST:
      return first_is_larger ? b : a;
    default:
      return b;
  }
}

static cell folded(fold how, int kind, cell a, cell b) {
  if (kind == COMPLEX) return folded_number(how, a.number, b.number);
  return kind == REAL ? folded_real(how, a.real, b.real) : folded_exact(how, kind, a, b);
}

/* Integers are divided downwards. */
static cell mean_of(int kind, cell total, int64_t count) {
  if (kind == COMPLEX) return (cell){.number = total.number / (double)count};
  if (kind == REAL) return (cell){.real = total.real / (double)count};
  if (kind == NATURAL) return (cell){.natural = total.natural / (uint64_t)count};
  return (cell){.whole = total.whole / count - (total.whole % count < 0)};
}

/* Where index's element i goes in self, as a place in row-major order; -1: out of range. */
static int64_t target_of(const dt_array* self, const dt_array* index, int64_t dim, int64_t place, int64_t i) {
  if (place < 0 || place >= (self->ndim ? self->sizes[dim] : 1)) return -1;
  int64_t target = 0, step = 1;
  for (int32_t d = self->ndim - 1; d >= 0; --d) {
    const int64_t size = index->ndim ? index->sizes[d] : 1;
    target += (d == dim ? place : i % size) * step;
    step *= self->sizes[d];
    i /= size;
  }
  return target;
}

/* src may be larger than index: its element at index's coordinates. */
static cell source_at(const dt_array* src, const dt_array* index, int64_t i) {
  const dtype* type = dtype_of(src->dtype);
  int64_t offset = 0;
  for (int32_t d = src->ndim - 1; d >= 0; --d) {
    const int64_t size = index->ndim ? index->sizes[d] : 1;
    offset += i % size * src->strides[d];
    i /= size;
  }
  cell value;
  type->load(&value, (const char*)src->data + offset * (int64_t)type->size, 0, 1);
  return value;
}

static dt_status scatter(const call* c) {
  const dt_array *self = &c->ins[0], *index = &c->ins[1], *src = &c->ins[2];
  const fold how = fold_of(c);
  const bool include_self = c->n_args < 6 || c->args[5].as.i;
  const int64_t dim = c->args[1].as.i, count = count_of(index), size = count_of(self);
  const int kind = dtype_of(self->dtype)->kind;
  cell* out = load_input(c, 0);
  const cell* places = load_input(c, 1);
  cell* met = new_cells(c, size); /* how many elements met at every place */
  if (!out || !places || !met) return DT_ERR_MEMORY;
  for (int64_t i = 0; i < size; ++i) met[i].whole = include_self;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t target = target_of(self, index, dim, places[i].whole, i);
    if (target < 0)
      return fail(c, DT_ERR_INDEX, "%s: index %lld is out of range for dim %lld of size %lld", c->kernel->op,
                  (long long)places[i].whole, (long long)dim, (long long)(self->ndim ? self->sizes[dim] : 1));
    const cell x = source_at(src, index, i);
    if (met[target].whole++ == 0)
      out[target] = x;
    else
      out[target] = folded(how, kind, out[target], x);
  }
  for (int64_t i = 0; how == MEAN && i < size; ++i)
    if (met[i].whole > 1) out[i] = mean_of(kind, out[i], met[i].whole);
  store_output(c, 0, out);
  return DT_OK;
}

const kernel scatter_kernels[] = {
    {"scatter", ANY, scatter, NULL, NULL, {0}},
    {"scatter_add", ANY, scatter, NULL, NULL, {0}},
    {"scatter_reduce", ANY, scatter, NULL, NULL, {0}},
    {0},
};

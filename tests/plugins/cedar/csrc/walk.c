/* Strided arrays, walked in row-major order as runs along the innermost dim. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "cedar.h"

int64_t count_of(const dt_array* a) {
  int64_t count = 1;
  for (int32_t d = 0; d < a->ndim; ++d) count *= a->sizes[d];
  return count;
}

int64_t offset_of(const dt_array* a, int64_t i) {
  int64_t offset = 0;
  for (int32_t d = a->ndim - 1; d >= 0; --d) {
    offset += i % a->sizes[d] * a->strides[d];
    i /= a->sizes[d];
  }
  return offset;
}

/* How many of the n elements from `begin` lie in one run. */
static int64_t run_length(const dt_array* a, int64_t begin, int64_t n) {
  if (a->ndim == 0) return n;
  const int64_t inner = a->sizes[a->ndim - 1];
  return smaller(n, inner - begin % inner);
}

static int64_t byte_step(const dt_array* a, const dtype* type) {
  return a->ndim ? a->strides[a->ndim - 1] * (int64_t)type->size : 0;
}

void load_range(const dt_array* a, cell* to, int64_t begin, int64_t n) {
  const dtype* type = dtype_of(a->dtype);
  while (n > 0) {
    const int64_t run = run_length(a, begin, n);
    type->load(to, (const char*)a->data + offset_of(a, begin) * (int64_t)type->size, byte_step(a, type), run);
    to += run, begin += run, n -= run;
  }
}

void store_range(const dt_array* a, const cell* from, int64_t begin, int64_t n) {
  const dtype* type = dtype_of(a->dtype);
  while (n > 0) {
    const int64_t run = run_length(a, begin, n);
    type->store((char*)a->data + offset_of(a, begin) * (int64_t)type->size, byte_step(a, type), from, run);
    from += run, begin += run, n -= run;
  }
}

cell* new_cells(const call* c, int64_t n) {
  if (n > (int64_t)(PTRDIFF_MAX / sizeof(cell))) n = PTRDIFF_MAX / sizeof(cell);
  void* memory = c->context->workspace(c->context, (size_t)larger(n, 1) * sizeof(cell));
  if (!memory) fail(c, DT_ERR_MEMORY, "%s: no scratch memory for %lld elements", c->kernel->op, (long long)n);
  return host_address(memory);
}

cell* load_input(const call* c, int k) {
  const int64_t n = count_of(&c->ins[k]);
  cell* cells = new_cells(c, n);
  if (cells) load_range(&c->ins[k], cells, 0, n);
  return cells;
}

void store_output(const call* c, int k, const cell* from) { store_range(&c->outs[k], from, 0, count_of(&c->outs[k])); }

lines lines_of(const dt_array* a, int64_t dim) {
  lines l = {1, 1, 1};
  for (int32_t d = 0; d < a->ndim; ++d) *(d < dim ? &l.outer : d == dim ? &l.size : &l.inner) *= a->sizes[d];
  return l;
}

dt_status fail(const call* c, dt_status status, const char* format, ...) {
  char message[256];
  va_list values;
  va_start(values, format);
  vsnprintf(message, sizeof message, format, values);
  va_end(values);
  return c->context->fail(c->context, status, message);
}

/* ---- the elementwise form ----------------------------------------------------------------------------- */

enum { MOST_INPUTS = 3, GRAIN = 1 << 14 };

typedef struct sweep {
  const call* call;
  _Atomic(const char*) problem;
} sweep;

static void sweep_range(void* arg, int64_t begin, int64_t end) {
  sweep* s = arg;
  const call* c = s->call;
  cell out[BLOCK], in[MOST_INPUTS][BLOCK];
  cell* given[MOST_INPUTS];
  for (int k = 0; k < c->n_ins; ++k) given[k] = c->ins[k].ndim >= 0 ? in[k] : NULL;
  for (int64_t at = begin; at < end; at += BLOCK) {
    const int64_t n = smaller(BLOCK, end - at);
    for (int k = 0; k < c->n_ins; ++k)
      if (given[k]) load_range(&c->ins[k], in[k], at, n);
    const char* problem = c->kernel->block(c, out, given, n);
    if (problem) atomic_store(&s->problem, problem);
    store_range(&c->outs[0], out, at, n);
  }
}

dt_status elementwise(const call* c) {
  sweep s = {.call = c, .problem = NULL};
  c->context->parallel_for(c->context, count_of(&c->outs[0]), GRAIN, sweep_range, &s);
  const char* problem = atomic_load(&s.problem);
  return problem ? fail(c, DT_ERR_RUNTIME, "%s: %s", c->kernel->op, problem) : DT_OK;
}

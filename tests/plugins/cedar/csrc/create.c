/* New elements: copied from another dtype, filled in, counted up. */
#include "cedar.h"

static const char* copy(const call* c, cell* out, cell* const* in, int64_t n) {
  const int kind = dtype_of(c->ins[0].dtype)->kind;
  for (int64_t i = 0; i < n; ++i) out[i] = convert(in[0][i], kind, c->outs[0].dtype);
  return NULL;
}

static const char* fill_in(const call* c, cell* out, cell* const* in, int64_t n) {
  (void)in;
  const cell value = cell_of_number(&c->args[1], c->outs[0].dtype);
  for (int64_t i = 0; i < n; ++i) out[i] = value;
  return NULL;
}

static dt_status arange(const call* c) {
  const int32_t to = c->outs[0].dtype;
  const bool exact = c->args[0].tag != DT_FLOAT && c->args[2].tag != DT_FLOAT;
  const cell start = cell_of_number(&c->args[0], exact ? DT_INT64 : DT_FLOAT64);
  const cell step = cell_of_number(&c->args[2], exact ? DT_INT64 : DT_FLOAT64);
  const int64_t count = count_of(&c->outs[0]);
  for (int64_t i = 0; i < count; ++i) {
    cell value;
    if (exact)
      value.natural = start.natural + (uint64_t)i * step.natural;
    else
      value.real = start.real + (double)i * step.real;
    value = convert(value, exact ? WHOLE : REAL, to);
    store_range(&c->outs[0], &value, i, 1);
  }
  return DT_OK;
}

#define ROW(op, block) {op, ANY, elementwise, block, NULL, {0}}

const kernel create_kernels[] = {
    ROW("copy", copy), ROW("fill", copy), ROW("full", fill_in), {"arange", ANY, arange, NULL, NULL, {0}}, {0},
};

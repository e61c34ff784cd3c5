/* Larger tensors made of smaller ones: concatenation and padding. */
#include "cedar.h"

/* cat(tensors, dim) */
static dt_status cat(const call* c) {
  const dt_array* out = &c->outs[0];
  const int64_t dim = c->args[1].as.i;
  int64_t before = 0;
  for (int32_t k = 0; k < c->n_ins; ++k) {
    const dt_array* part = &c->ins[k];
    if (part->ndim != out->ndim || count_of(part) == 0) continue;
    dt_array window = {out->data, part->sizes, out->strides, out->ndim, out->dtype};
    window.data = (char*)out->data + before * out->strides[dim] * (int64_t)dtype_of(out->dtype)->size;
    const cell* cells = load_input(c, k);
    if (!cells) return DT_ERR_MEMORY;
    store_range(&window, cells, 0, count_of(part));
    before += part->sizes[dim];
  }
  return DT_OK;
}

/* constant_pad_nd(self, pad, value): (before, after) of the last dim, then of the one before it; negative ones crop. */
static dt_status constant_pad_nd(const call* c) {
  const dt_array *out = &c->outs[0], *self = &c->ins[0];
  const int64_t* pad = c->args[1].as.ints;
  const int32_t padded = c->args[1].count / 2;
  const cell value = cell_of_number(&c->args[2], out->dtype);
  const cell* cells = load_input(c, 0);
  if (!cells) return DT_ERR_MEMORY;
  const int64_t count = count_of(out);
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i, from = 0, step = 1;
    bool inside = true;
    for (int32_t d = out->ndim - 1; d >= 0; --d) {
      const int32_t k = out->ndim - 1 - d;
      const int64_t place = rest % out->sizes[d] - (k < padded ? pad[2 * k] : 0);
      inside &= place >= 0 && place < self->sizes[d];
      from += place * step;
      step *= self->sizes[d];
      rest /= out->sizes[d];
    }
    store_range(out, inside ? &cells[from] : &value, i, 1);
  }
  return DT_OK;
}

const kernel join_kernels[] = {
    {"cat", ANY, cat, NULL, NULL, {0}},
    {"constant_pad_nd", ANY, constant_pad_nd, NULL, NULL, {0}},
    {0},
};

/* Reading places that an index tensor names, and finding places. */
#include <math.h>

#include "cedar.h"

static dt_status out_of_range(const call* c, int64_t place, int64_t dim, int64_t size) {
  return fail(c, DT_ERR_INDEX, "%s: index %lld is out of range for dim %lld of size %lld", c->kernel->op,
              (long long)place, (long long)dim, (long long)size);
}

/* gather(self, dim, index): as many dims in both; index may be smaller than self in the others. */
static dt_status gather(const call* c) {
  const dt_array *self = &c->ins[0], *index = &c->ins[1];
  const int64_t dim = c->args[1].as.i, count = count_of(index);
  const cell* places = load_input(c, 1);
  cell* out = new_cells(c, count);
  if (!places || !out) return DT_ERR_MEMORY;
  const int64_t size = self->ndim ? self->sizes[dim] : 1;
  const dtype* type = dtype_of(self->dtype);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = places[i].whole;
    if (place < 0 || place >= size) return out_of_range(c, place, dim, size);
    int64_t offset = 0, rest = i;
    for (int32_t d = self->ndim - 1; d >= 0; --d) {
      offset += (d == dim ? place : rest % index->sizes[d]) * self->strides[d];
      rest /= index->ndim ? index->sizes[d] : 1;
    }
    type->load(&out[i], (const char*)self->data + offset * (int64_t)type->size, 0, 1);
  }
  store_output(c, 0, out);
  return DT_OK;
}

/* index_select(self, dim, index): whole slices. */
static dt_status index_select(const call* c) {
  const int64_t dim = c->args[1].as.i, picked = count_of(&c->ins[1]);
  const cell *self = load_input(c, 0), *places = load_input(c, 1);
  cell* out = new_cells(c, count_of(&c->outs[0]));
  if (!self || !places || !out) return DT_ERR_MEMORY;
  const lines l = lines_of(&c->ins[0], dim);
  for (int64_t i = 0; i < picked; ++i)
    if (places[i].whole < 0 || places[i].whole >= l.size) return out_of_range(c, places[i].whole, dim, l.size);
  for (int64_t outer = 0; outer < l.outer; ++outer)
    for (int64_t i = 0; i < picked; ++i)
      for (int64_t inner = 0; inner < l.inner; ++inner)
        out[(outer * picked + i) * l.inner + inner] = self[(outer * l.size + places[i].whole) * l.inner + inner];
  store_output(c, 0, out);
  return DT_OK;
}

/* nonzero(self): its result is as large as it turns out to be. */
static dt_status nonzero(const call* c) {
  const dt_array* self = &c->ins[0];
  const cell* cells = load_input(c, 0);
  if (!cells) return DT_ERR_MEMORY;
  const int kind = dtype_of(self->dtype)->kind;
  const int64_t count = count_of(self);
  int64_t found = 0;
  for (int64_t i = 0; i < count; ++i) found += !is_zero(kind, cells[i]);
  const int64_t sizes[2] = {found, self->ndim};
  void* memory = c->context->allocate_output(c->context, 0, 2, sizes);
  if (!memory) return DT_ERR_MEMORY;
  if (found == 0 || self->ndim == 0) return DT_OK;
  int64_t* row = host_address(memory);
  for (int64_t i = 0; i < count; ++i) {
    if (is_zero(kind, cells[i])) continue;
    int64_t rest = i;
    for (int32_t d = self->ndim - 1; d >= 0; --d) {
      row[d] = rest % self->sizes[d];
      rest /= self->sizes[d];
    }
    row += self->ndim;
  }
  return DT_OK;
}

const kernel gather_kernels[] = {
    {"gather", ANY, gather, NULL, NULL, {0}},
    {"index_select", ANY, index_select, NULL, NULL, {0}},
    {"nonzero", ANY, nonzero, NULL, NULL, {0}},
    {0},
};

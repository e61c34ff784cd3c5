#include "core/layout.h"

#include <algorithm>
#include <utility>

#include "core/execute.h"

namespace dovetail {

namespace {

// Of dim `d` of `ndim`; 0 where the tensor has no such dim, or broadcasts it.
int64_t reach(const TensorImpl& t, int ndim, int d) {
  const int own = d - (ndim - t.ndim);
  return own < 0 || t.size(own) == 1 ? 0 : std::abs(t.stride(own));
}

// 1: dim `inner` lies outside of dim `outer`; -1: inside; 0: nothing tells.
int compare(TensorImpl* const* tensors, int count, int ndim, const int64_t* sizes, int inner, int outer) {
  for (int k = 0; k < count; ++k) {
    if (!tensors[k]) continue;
    const int64_t a = reach(*tensors[k], ndim, inner), b = reach(*tensors[k], ndim, outer);
    if (a == 0 || b == 0) continue;
    if (a != b) return a < b ? -1 : 1;
    if (sizes[inner] > sizes[outer]) return 1;
  }
  return 0;
}

}  // namespace

void memory_order(TensorImpl* const* tensors, int count, int ndim, const int64_t* sizes, int* order) {
  for (int i = 0; i < ndim; ++i) order[i] = ndim - 1 - i;
  for (int i = 1; i < ndim; ++i) {  // insertion sort, which dims that nothing tells apart do not stop
    for (int at = i, before = i - 1; before >= 0; --before) {
      const int found = compare(tensors, count, ndim, sizes, order[before], order[at]);
      if (found < 0) break;
      if (found == 0) continue;
      std::swap(order[before], order[at]);
      at = before;
    }
  }
}

Tensor empty_in_order_of(TensorImpl* const* tensors, int count, int ndim, const int64_t* sizes, DType dtype,
                         Device device) {
  Tensor out = empty(ndim, sizes, dtype, device);
  const bool in_line =
      std::all_of(tensors, tensors + count, [](const TensorImpl* t) { return !t || t->contiguous || t->ndim < 2; });
  if (in_line || out->numel == 0) return out;
  int order[DT_MAX_DIMS];
  memory_order(tensors, count, ndim, sizes, order);
  int64_t step = 1;
  for (int i = 0; i < ndim; ++i) {
    out->dims[ndim + order[i]] = step;
    step *= sizes[order[i]];
  }
  update_contiguous(out.get());
  return out;
}

Tensor cast_as_laid(TensorImpl* t, DType dtype) {
  if (t->contiguous || t->numel == 0) return cast_copy(t, dtype);
  int64_t sizes[DT_MAX_DIMS];
  for (int i = 0; i < t->ndim; ++i) sizes[i] = t->stride(i) == 0 ? 1 : t->size(i);
  Tensor out = empty_in_order_of(&t, 1, t->ndim, sizes, dtype, t->device);
  copy_into(out.get(), t);
  for (int i = 0; i < t->ndim; ++i) {
    if (t->stride(i) != 0) continue;
    out->dims[i] = t->size(i);
    out->dims[t->ndim + i] = 0;
  }
  update_contiguous(out.get());
  return out;
}

}  // namespace dovetail

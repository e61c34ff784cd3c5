#include "core/ops/geometry.h"

#include <algorithm>

namespace dovetail {

void resolve_sizes(const char* who, const TensorImpl& t, int ndim, const int64_t* sizes, int64_t* out) {
  int unknown = -1;
  int64_t known = 1;
  for (int i = 0; i < ndim; ++i) {
    out[i] = sizes[i];
    if (sizes[i] == -1) {
      if (unknown >= 0) value_error(who, ": only one size can be -1, got ", shape_text(ndim, sizes));
      unknown = i;
    } else if (sizes[i] < 0) {
      value_error(who, ": sizes must not be negative (but one may be -1), got ", shape_text(ndim, sizes));
    } else if (__builtin_mul_overflow(known, sizes[i], &known)) {
      value_error(who, ": shape ", shape_text(ndim, sizes), " has more elements than can be addressed");
    }
  }
  if (unknown >= 0) {
    if (known == 0)
      value_error(who, ": -1 could be any size, as the rest of ", shape_text(ndim, sizes), " has no elements");
    if (t.numel % known == 0) {
      out[unknown] = t.numel / known;
      return;
    }
  } else if (known == t.numel) {
    return;
  }
  value_error(who, ": a tensor of shape ", shape_text(t), " has ", t.numel, " elements, which don't fit the shape ",
              shape_text(ndim, sizes));
}

bool view_strides(const TensorImpl& t, int ndim, const int64_t* sizes, int64_t* strides) {
  if (t.contiguous) {
    contiguous_strides(ndim, sizes, strides);
    return true;
  }
  // Walk from the innermost dim. A run of the tensor's dims that lie evenly in memory must be filled exactly by a run
  // of the view's dims.
  int view_dim = ndim - 1;
  int64_t base = t.stride(t.ndim - 1), run = 1, filled = 1;
  for (int dim = t.ndim - 1; dim >= 0; --dim) {
    run *= t.size(dim);
    const bool ends = dim == 0 || (t.size(dim - 1) != 1 && t.stride(dim - 1) != run * base);
    if (!ends) continue;
    while (view_dim >= 0 && (filled < run || sizes[view_dim] == 1)) {
      strides[view_dim] = filled * base;
      filled *= sizes[view_dim--];
    }
    if (filled != run) return false;
    if (dim > 0) base = t.stride(dim - 1);
    run = filled = 1;
  }
  return view_dim < 0;
}

}  // namespace dovetail

// The arithmetic of views: sizes with a -1, the strides of a reshaped tensor, and geometry in the making.
#pragma once

#include <algorithm>

#include "core/tensor.h"

namespace dovetail {

// Sizes and strides in the making.
struct ViewGeometry {
  int ndim = 0;
  int64_t sizes[DT_MAX_DIMS + 1];
  int64_t strides[DT_MAX_DIMS + 1];
  int64_t offset = 0;

  ViewGeometry() = default;
  explicit ViewGeometry(const TensorImpl& t) : ndim(t.ndim), offset(t.offset) {
    copy_dims(t.sizes(), ndim, sizes);
    copy_dims(t.strides(), ndim, strides);
  }
  void push(int64_t size, int64_t stride) {
    sizes[ndim] = size;
    strides[ndim++] = stride;
  }
  void erase(int dim) {
    --ndim;
    copy_dims(sizes + dim + 1, ndim - dim, sizes + dim);
    copy_dims(strides + dim + 1, ndim - dim, strides + dim);
  }
  void insert(int dim, int64_t size, int64_t stride) {
    std::copy_backward(sizes + dim, sizes + ndim, sizes + ndim + 1);
    std::copy_backward(strides + dim, strides + ndim, strides + ndim + 1);
    sizes[dim] = size;
    strides[dim] = stride;
    ++ndim;
  }
  Tensor over(TensorImpl& t) const { return make_view(&t, ndim, sizes, strides, offset); }
};

// Copies `sizes` to `out`, with an entry of -1 replaced by what makes `numel` elements. Throws Error.
void resolve_sizes(const char* who, const TensorImpl& t, int ndim, const int64_t* sizes, int64_t* out);

// The strides with which these sizes show t's elements in order without a copy. False: there are none.
bool view_strides(const TensorImpl& t, int ndim, const int64_t* sizes, int64_t* strides);

}  // namespace dovetail

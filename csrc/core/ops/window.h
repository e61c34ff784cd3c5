// Checks that convolution and pooling share: windows over 1 to 3 spatial dims.
#pragma once

#include "core/ops/compose.h"

namespace dovetail {

// The number of spatial dims of a tensor (N, C, *spatial); throws unless there are 1 to 3.
inline int spatial_dims(const char* who, const char* arg, const TensorImpl& t) {
  if (t.ndim < 3 || t.ndim > 5)
    value_error(who, ": ", arg, " must have shape (N, C, *spatial) with 1 to 3 spatial dims, got ", shape_text(t));
  return t.ndim - 2;
}

// How many places a window of `kernel` finds in `size` padded on both sides; 0 or less where it does not fit. Sizes are
// bounded first, so that nothing overflows.
inline int64_t window_count(const char* who, int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                            int64_t dilation, bool ceil_mode = false) {
  constexpr int64_t kMost = int64_t{1} << 40;
  if (kernel > kMost || stride > kMost || padding > kMost || dilation > kMost || dilation * (kernel - 1) > kMost)
    value_error(who, ": the window is too large, got size ", kernel, ", stride ", stride, ", padding ", padding,
                " and dilation ", dilation);
  const int64_t span = size + 2 * padding - dilation * (kernel - 1) - 1;
  if (span < 0) return 0;
  int64_t count = (span + (ceil_mode ? stride - 1 : 0)) / stride + 1;
  // The last window must begin inside the input or its left padding.
  if (ceil_mode && (count - 1) * stride >= size + padding) --count;
  return count;
}

}  // namespace dovetail

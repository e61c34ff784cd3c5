// The arithmetic of views: sizes with a -1, and the strides of a reshaped tensor.
#pragma once

#include "core/tensor.h"

namespace dovetail {

// Copies `sizes` to `out`, with an entry of -1 replaced by what makes `numel` elements. Throws Error.
void resolve_sizes(const char* who, const TensorImpl& t, int ndim, const int64_t* sizes, int64_t* out);

// The strides with which these sizes show t's elements in order without a copy. False: there are none.
bool view_strides(const TensorImpl& t, int ndim, const int64_t* sizes, int64_t* strides);

}  // namespace dovetail

// Memory order: in which order the dims of a fresh tensor lie, so that it is walked as its inputs are.
#pragma once

#include "core/tensor.h"

namespace dovetail {

// The dims of a tensor of these sizes, innermost first, in the order of the tensors' that broadcast to it. Dims that
// are broadcast tell nothing; of two dims the first tensor decides that tells them apart.
void memory_order(TensorImpl* const* tensors, int count, int ndim, const int64_t* sizes, int* order);
// A fresh tensor without gaps, whose dims lie in that order.
Tensor empty_in_order_of(TensorImpl* const* tensors, int count, int ndim, const int64_t* sizes, DType dtype,
                         Device device);
// A cast, laid out as t is; what t broadcasts is cast once. To be read, not to be written or given away.
Tensor cast_as_laid(TensorImpl* t, DType dtype);

}  // namespace dovetail

// The product of two matrices of any size, for other kernels than those of the products.
#pragma once

#include "dovetail/abi.h"
#include "kernels/cpu/matrix.h"

namespace dovetail::cpu {

// c = start + a b, over the context's threads; rows of `start` are `start_row` apart, and it may be c, or NULL: 0. Not
// for several threads at once: it may take scratch memory of the context. False: there was not enough.
template <typename T>
bool matrix_product(dt_kernel_context* ctx, Matrix<const T> a, Matrix<const T> b, Matrix<T> c, const T* start,
                    int64_t start_row);

}  // namespace dovetail::cpu

// Kernels of complex numbers, made of the real ones: an array of complex numbers is one of real numbers with one more
// dim, the last, of size 2. For ops that treat the two parts alike: sums, products with real numbers, whether there is
// anything other than zero.
#pragma once

#include "kernels/cpu/registry.h"

namespace dovetail::cpu {

// For complex64 by the table's float32 kernel, for complex128 by that for float64. Arrays of other dtypes (an index,
// the bools of a result) get the dim with stride 0: in a result it counts as reduced.
void add_as_real(KernelTable& table, const char* op);
void add_as_real(KernelTable& table, const char* op, int32_t dtype);  // for one of the two

}  // namespace dovetail::cpu

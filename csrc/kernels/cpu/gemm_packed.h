// Products of large matrices, by all threads together.
//
// Both operands are laid out once in panels that the inner loop reads in order; then the panels' products are shared
// out. Every element of c is a sum in the order of k, cut where the depth alone says, so its bits depend neither on the
// threads nor on what is computed beside it.
#pragma once

#include <cstdint>

#include "dovetail/abi.h"
#include "kernels/cpu/matrix.h"

namespace dovetail::cpu {

template <typename T>
struct PackedProduct {
  Matrix<const T> a, b;  // of any strides
  Matrix<T> c;           // its rows have unit stride
  T alpha = 1;
  const T* bias = nullptr;  // what every row of c starts from
  bool accumulate = false;  // c starts from what it holds
};

// c = start + alpha * a b. False if memory ran out.
bool packed_product(dt_kernel_context* ctx, const PackedProduct<float>& p);
bool packed_product(dt_kernel_context* ctx, const PackedProduct<double>& p);

}  // namespace dovetail::cpu

// Products of large matrices, by all threads together.
//
// Both operands are laid out once in panels that the inner loop reads in order; then the panels' products are shared
// out. Every element of c is a sum in the order of k, cut where the depth alone says, so its bits depend neither on the
// threads nor on what is computed beside it.
#pragma once

#include <cstdint>

#include "dovetail/abi.h"
#include "kernels/common/dtypes.h"
#include "kernels/cpu/matrix.h"
#include "kernels/cpu/rounding.h"

namespace dovetail::cpu {

constexpr int64_t kPackedDepth = 512;  // of a panel at most

// T is float, double or BFloat16, whose products are summed as floats.
template <typename T, typename Sum = T>
struct PackedProduct {
  Matrix<const T> a, b;  // of any strides
  Matrix<Sum> c;         // its rows have unit stride
  Sum alpha = 1;
  const Sum* bias = nullptr;     // what every row of c starts from
  bool accumulate = false;       // c starts from what it holds,
  bool symmetric_start = false;  // which equals its transpose
  Matrix<T> rounded = {};  // takes the whole sums, if it has data, with unit stride too; c has those to be continued

  // The product for `rows` by `cols` of c from (i, j) on, over the `deep` depths from k on.
  PackedProduct part(int64_t i, int64_t rows, int64_t j, int64_t cols, int64_t k, int64_t deep) const {
    PackedProduct part{a.block(i, k, rows, deep), b.block(k, j, deep, cols), c.block(i, j, rows, cols), alpha};
    part.bias = k == 0 && bias ? bias + j : nullptr;
    part.accumulate = k > 0 || accumulate;
    if (rounded.data && k + deep == a.cols) part.rounded = rounded.block(i, j, rows, cols);
    return part;
  }
};

// Whether a matrix times its own transpose: then the product is symmetric to the bit, as every element's sum has the
// same terms in the same order as its mirror image's, and half of it is made.
template <typename T, typename Sum>
bool is_symmetric(const PackedProduct<T, Sum>& p) {
  return is_gram(p.a, p.b) && !p.bias && (!p.accumulate || p.symmetric_start);
}

// c = start + alpha * a b. False if memory ran out.
bool packed_product(dt_kernel_context* ctx, const PackedProduct<float>& p);
bool packed_product(dt_kernel_context* ctx, const PackedProduct<double>& p);

// Whether this machine multiplies bfloat16 numbers without widening them first (AVX512_BF16, or tiles: gemm_amx.h). It
// takes numbers and sums below 2^-126 for zeros then.
bool has_bfloat16_products();
// Needs such a machine. On the calling thread alone, in `memory` of packed_bfloat16_bytes, where that is not NULL.
bool packed_product(dt_kernel_context* ctx, const PackedProduct<BFloat16, float>& p, void* memory = nullptr);
size_t packed_bfloat16_bytes(int64_t m, int64_t n, int64_t k);

}  // namespace dovetail::cpu

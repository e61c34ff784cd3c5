// The product of a few rows with a matrix, whose elements are used so seldom that what counts is their way from memory:
// it passes by once, as it lies.
#pragma once

#include <cstdint>

#include "dovetail/abi.h"
#include "kernels/cpu/contract.h"

namespace dovetail::cpu {

// sums = a b, or with `more` sums += a b. A sum has one order, which does not depend on the sizes beside its depth.
template <class T>
struct RowsTimes {
  // Rows, `a_step` apart; or with `turned` lines of 64 bytes of every row in turn, the last ones filled up with zeros.
  const T* a;
  int64_t a_step, rows, depth;
  // Rows of columns that lie side by side, a line or more; or with `turned` columns of such depths.
  const T* b;
  int64_t b_step;
  bool turned;
  int64_t cols;
  T* sums;  // whose rows have room for kFewRowsRoom<T> more
  int64_t sums_step;
  bool more, last;  // there were depths before these; there are none behind them
};
template <class T>
constexpr int64_t kFewRowsRoom = 256 / sizeof(T);

// c = alpha a b + start, where few_rows_pay(). W: T, or uint16_t for the 16-bit floats of `dtype`.
template <class W, class T>
void few_rows_product(dt_kernel_context* ctx, Batch<W, T> p, int32_t dtype = -1);

}  // namespace dovetail::cpu

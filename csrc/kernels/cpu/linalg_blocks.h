// What factorisations and triangular systems in blocks are made of: columns solved by a lower triangle, transposition,
// and how far rows are apart.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/index_common.h"

namespace dovetail::cpu {

constexpr int kStripRows = 8;  // rows of x and l are read and written by so many

// Of the rows of x, `known` are known. Those times l are taken from the next `rows`, of which the first `solved` are
// solved by l's triangle meanwhile, and count as known for those after them. Rows past the last, up to a multiple of
// kStripRows, and columns past the last, up to a multiple of 64 bytes, must be there, and hold anything.
template <class T>
struct LowerStrip {
  const T* l;  // its first row is that of the first unknown one, its first column that of the first known one
  int64_t l_row, l_col;
  T* x;
  int64_t row;  // of x, whose columns have unit stride
  int64_t columns, known, solved, rows;
  bool divides;  // by l's diagonal, instead of ones
};

constexpr int64_t kStripColumns = 48;  // three of the widest vectors of floats, whose sums fill the registers

// Runs body(begin, columns) for ranges of so many columns, each of which is worth `work` multiplications.
template <class Body>
void each_strip(dt_kernel_context* ctx, int64_t columns, int64_t work, const Body& body) {
  constexpr int64_t kUnit = 16;  // columns: whole vectors of any machine
  const int64_t grain = 8 * kGrain / (kUnit * std::max<int64_t>(1, work));
  parallel(ctx, ceil_div(columns, kUnit), std::max(kStripColumns / kUnit, grain),
           [&](int64_t begin, int64_t end) { body(begin * kUnit, std::min(columns, end * kUnit) - begin * kUnit); });
}

void lower_strip(const LowerStrip<float>& p);
void lower_strip(const LowerStrip<double>& p);

// The transpose of a matrix whose sides are multiples of 16.
void turn(const float* from, int64_t from_row, int64_t rows, int64_t cols, float* to, int64_t to_row);
void turn(const double* from, int64_t from_row, int64_t rows, int64_t cols, double* to, int64_t to_row);

// The distance of rows of n elements of which whole vectors are used: an odd number of 64 bytes, as a power of two
// would put them all into a few sets of the cache.
template <class T>
int64_t padded_row(int64_t n) {
  constexpr int64_t kLine = 64 / sizeof(T);
  return (ceil_div(n, kLine) | 1) * kLine;
}

}  // namespace dovetail::cpu

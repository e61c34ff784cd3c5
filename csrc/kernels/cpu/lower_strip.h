// Columns solved by a lower triangle.
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

constexpr int64_t kStripColumns = 48;  // that a task takes: whole vectors of any machine, three of the widest floats

// Runs body(begin, columns) for the strips of so many columns, each of whose elements is worth `work` multiplications.
template <class Body>
void each_strip(dt_kernel_context* ctx, int64_t columns, int64_t work, const Body& body) {
  const int64_t grain = kGrain / std::max<int64_t>(1, work * kStripColumns / 8);
  parallel(ctx, (columns + kStripColumns - 1) / kStripColumns, std::max<int64_t>(1, grain),
           [&](int64_t begin, int64_t end) {
             body(begin * kStripColumns, std::min(columns, end * kStripColumns) - begin * kStripColumns);
           });
}

void lower_strip(const LowerStrip<float>& p);
void lower_strip(const LowerStrip<double>& p);

// The distance of rows of n elements of which whole vectors are used: an odd number of 64 bytes, as a power of two
// would put them all into a few sets of the cache.
template <class T>
int64_t padded_row(int64_t n) {
  constexpr int64_t kLine = 64 / sizeof(T);
  return ((n + kLine - 1) / kLine | 1) * kLine;
}

}  // namespace dovetail::cpu

// Products of small matrices: no packing beyond what strides force, tables and scratch on the stack.
#include <algorithm>

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/rounding.h"

namespace dovetail::cpu {
namespace {

constexpr int64_t kDepth = 256;  // the sum is cut into blocks of this depth
constexpr int kSpans = 64;       // and the columns into blocks of this many vectors

// The vectors that cover n >= lanes columns; the last one overlaps its neighbour rather than reach past the row.
template <typename T>
int cover(int64_t n, int64_t c_lane, LaneSpan* spans) {
  constexpr int kWidth = kLanes<T>;
  int count = 0;
  for (int64_t j = 0; j + kWidth <= n; j += kWidth) spans[count++] = {j, j * c_lane, 0, kWidth};
  const int rest = static_cast<int>(n % kWidth);
  if (rest) spans[count++] = {n - kWidth, (n - kWidth) * c_lane, kWidth - rest, kWidth};
  return count;
}

// b has unit stride along its rows and at least a vector of columns.
template <typename T>
void rows_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T alpha, bool accumulate) {
  int64_t offsets[kDepth];
  LaneSpan spans[kSpans];
  const int64_t block = int64_t{kSpans - 1} * kLanes<T>;
  for (int64_t k = 0; k < a.cols; k += kDepth) {
    const int64_t depth = std::min(kDepth, a.cols - k);
    for (int64_t i = 0; i < depth; ++i) offsets[i] = (k + i) * b.row;
    int64_t width;
    for (int64_t j = 0; j < b.cols; j += width) {
      width = b.cols - j < block + kLanes<T> ? b.cols - j : block;  // never leaves less than a vector
      TileProduct<T> p;
      p.a = a.data + k * a.col, p.a_row = a.row, p.a_depth = a.col;
      p.rows = a.rows, p.depth = depth;
      p.b = b.data + j, p.offsets = offsets;
      p.spans = spans, p.n_spans = cover<T>(width, c.col, spans);
      p.c = c.data + j * c.col, p.c_row = c.row, p.c_lane = c.col;
      p.alpha = alpha, p.accumulate = accumulate || k > 0;
      tile_product(p);
    }
  }
}

// Any b: blocks of it are copied to the stack, as wide as a vector needs them.
template <typename T>
void packed_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T alpha, bool accumulate) {
  constexpr int64_t kRows = 128, kCols = 4 * kLanes<T>;
  T block[kRows * kCols];
  int64_t offsets[kRows];
  for (int64_t j = 0; j < b.cols; j += kCols) {
    const int64_t n = std::min(kCols, b.cols - j), stride = round_up(n, kLanes<T>);
    LaneSpan spans[4];
    TileProduct<T> p;
    for (int64_t left = n; left > 0; left -= kLanes<T>) {
      spans[p.n_spans++] = {n - left, (n - left) * c.col, 0, static_cast<int32_t>(std::min<int64_t>(left, kLanes<T>))};
    }
    for (int64_t k = 0; k < b.rows; k += kRows) {
      const int64_t depth = std::min(kRows, b.rows - k);
      for (int64_t i = 0; i < depth; ++i) {
        const T* from = b.data + (k + i) * b.row + j * b.col;
        T* to = block + i * stride;
        for (int64_t x = 0; x < n; ++x) to[x] = from[x * b.col];
        std::fill(to + n, to + stride, T(0));
        offsets[i] = i * stride;
      }
      p.a = a.data + k * a.col, p.a_row = a.row, p.a_depth = a.col;
      p.rows = a.rows, p.depth = depth;
      p.b = block, p.offsets = offsets, p.spans = spans;
      p.c = c.data + j * c.col, p.c_row = c.row, p.c_lane = c.col;
      p.alpha = alpha, p.accumulate = accumulate || k > 0;
      tile_product(p);
    }
  }
}

// a and b both have unit stride along the sum. What is left of it after whole vectors goes through `packed_product`.
template <typename T>
void dots_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T alpha, bool accumulate) {
  constexpr int64_t kCols = 128;
  int64_t offsets[kCols];
  const int64_t whole = a.cols / kLanes<T> * kLanes<T>;
  for (int64_t j = 0; j < b.cols; j += kCols) {
    const int64_t n = std::min(kCols, b.cols - j);
    for (int64_t i = 0; i < n; ++i) offsets[i] = (j + i) * b.col;
    for (int64_t k = 0; k < whole; k += 4 * kDepth) {
      DotProduct<T> p;
      p.a = a.data + k, p.a_row = a.row, p.rows = a.rows;
      p.b = b.data + k, p.offsets = offsets, p.cols = n;
      p.n_vectors = std::min(4 * kDepth, whole - k) / kLanes<T>;
      p.c = c.data + j * c.col, p.c_row = c.row, p.c_col = c.col;
      p.alpha = alpha, p.accumulate = accumulate || k > 0;
      dot_product(p);
    }
  }
  if (whole == a.cols) return;
  packed_product(a.block(0, whole, a.rows, a.cols - whole), b.block(whole, 0, b.rows - whole, b.cols), c, alpha,
                 accumulate || whole > 0);
}

// A column times a row: nothing is summed, so memory is all that counts.
template <typename T>
void outer_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T alpha, bool accumulate) {
  if (c.col != 1 && c.row == 1) return outer_product(b.transposed(), a.transposed(), c.transposed(), alpha, accumulate);
  constexpr int64_t kLine = 1024;
  T line[kLine];
  for (int64_t j = 0; j < b.cols; j += kLine) {
    const int64_t n = std::min(kLine, b.cols - j);
    for (int64_t x = 0; x < n; ++x) line[x] = b.data[(j + x) * b.col];
    for (int64_t i = 0; i < a.rows; ++i) {
      const T factor = a.data[i * a.row];
      T* to = c.data + i * c.row + j * c.col;
      if (!accumulate && c.col == 1) {
        scaled(line, factor, alpha, to, n);
      } else {
        for (int64_t x = 0; x < n; ++x)
          to[x * c.col] = (accumulate ? to[x * c.col] : T(0)) + alpha * (factor * line[x]);
      }
    }
  }
}

}  // namespace

template <typename T>
void small_product(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, T alpha, bool accumulate) {
  if (a.cols == 1) return outer_product(a, b, c, alpha, accumulate);
  if (a.col == 1 && b.row == 1 && a.cols >= 16 * kLanes<T>) return dots_product(a, b, c, alpha, accumulate);
  if (b.col == 1 && b.cols >= kLanes<T>) return rows_product(a, b, c, alpha, accumulate);
  if (a.row == 1 && a.rows >= kLanes<T>) {
    return rows_product(b.transposed(), a.transposed(), c.transposed(), alpha, accumulate);
  }
  packed_product(a, b, c, alpha, accumulate);
}
template void small_product(Matrix<const float>, Matrix<const float>, Matrix<float>, float, bool);
template void small_product(Matrix<const double>, Matrix<const double>, Matrix<double>, double, bool);

}  // namespace dovetail::cpu

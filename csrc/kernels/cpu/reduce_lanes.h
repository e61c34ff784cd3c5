// How runs of elements are folded: many lanes side by side, lanes folded in a fixed tree, runs added up in a wider
// type.
#pragma once

#include "kernels/cpu/index_common.h"

namespace dovetail::cpu {

// A fold says:
//   In, Lane, Acc, Out       the types of an element, of a running value within a short run, of a total, of the result
//   first(In), step(Lane, In), fold(Lane, Lane)
//   Short                    the fold of short rows: itself or one that has the same lanes; void: it has no need of one
//   wide(Lane) -> Acc, merge(Acc&, Acc), finish(Acc, count) -> Out, identity() -> Acc (the total of no elements)

constexpr int64_t kSpan = 32768;    // most elements that one call folds, so that bits depend on shapes alone
constexpr int64_t kBlock = 131072;  // elements of neighbouring columns that one call folds, but at least kRowRun rows
constexpr int64_t kRun = 1024;      // elements added up in the element's own precision, over all lanes
constexpr int64_t kColumns = 1024;  // most columns that one call folds
constexpr int64_t kRowRun = 32;     // rows added up in the element's own precision

template <int kLanes, class Fold>
DOVETAIL_INLINE typename Fold::Acc fold_lanes(typename Fold::Lane* lane) {
  if constexpr (kLanes == 1) {
    return Fold::wide(lane[0]);
  } else {
    for (int l = 0; l < kLanes / 2; ++l) lane[l] = Fold::fold(lane[l], lane[l + kLanes / 2]);
    return fold_lanes<kLanes / 2, Fold>(lane);
  }
}

template <int kLanes, class Fold>
DOVETAIL_INLINE typename Fold::Acc fold_run(const typename Fold::In* p, int64_t n) {
  typename Fold::Lane lane[kLanes];
  for (int l = 0; l < kLanes; ++l) lane[l] = Fold::first(p[l]);
  for (int64_t i = kLanes; i < n; i += kLanes)
    for (int l = 0; l < kLanes; ++l) lane[l] = Fold::step(lane[l], p[i + l]);
  return fold_lanes<kLanes, Fold>(lane);
}

// n >= 64, of which the last n % 8 are left to the caller.
template <class Fold>
DOVETAIL_CLONES_TO_V4 typename Fold::Acc fold_contiguous(const typename Fold::In* p, int64_t n) {
  constexpr int kLanes = 256 / sizeof(typename Fold::Lane) < 64 ? 256 / sizeof(typename Fold::Lane) : 64;
  int64_t run = std::min(n, kRun) & -kLanes;
  typename Fold::Acc total = fold_run<kLanes, Fold>(p, run);
  for (int64_t i = run; i + kLanes <= n; i += run) {
    run = std::min(n - i, kRun) & -kLanes;
    Fold::merge(total, fold_run<kLanes, Fold>(p + i, run));
  }
  const int64_t done = n & -kLanes;
  if (n - done >= 8) Fold::merge(total, fold_run<8, Fold>(p + done, (n - done) & -8));
  return total;
}

template <class Fold>
DOVETAIL_INLINE typename Fold::Acc wide_of(typename Fold::In x) {
  return Fold::wide(Fold::first(x));
}

// 1 <= n elements at any stride.
template <class Fold>
__attribute__((noinline)) typename Fold::Acc fold_strided(const typename Fold::In* p, int64_t n, int64_t stride) {
  typename Fold::Acc a[4] = {wide_of<Fold>(p[0])};
  if (n < 8) {
    for (int64_t i = 1; i < n; ++i) Fold::merge(a[0], wide_of<Fold>(p[i * stride]));
    return a[0];
  }
  for (int k = 1; k < 4; ++k) a[k] = wide_of<Fold>(p[k * stride]);
  int64_t i = 4;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; ++k) Fold::merge(a[k], wide_of<Fold>(p[(i + k) * stride]));
  for (; i < n; ++i) Fold::merge(a[0], wide_of<Fold>(p[i * stride]));
  Fold::merge(a[0], a[1]);
  Fold::merge(a[2], a[3]);
  Fold::merge(a[0], a[2]);
  return a[0];
}

// n elements that are all the same one.
template <class Fold>
__attribute__((noinline)) typename Fold::Acc fold_same(const typename Fold::In* p, int64_t n) {
  typename Fold::In run[kRun];
  std::fill_n(run, kRun, *p);
  const typename Fold::Acc part = fold_contiguous<Fold>(run, kRun);
  typename Fold::Acc total = part;
  int64_t i = kRun;
  for (; i + kRun <= n; i += kRun) Fold::merge(total, part);
  if (i < n) Fold::merge(total, fold_strided<Fold>(p, n - i, 0));
  return total;
}

template <class Fold>
typename Fold::Acc fold_span(const typename Fold::In* p, int64_t n, int64_t stride) {
  if (stride == 0 && n > kRun) return fold_same<Fold>(p, n);
  if (stride != 1 || n < 64) return fold_strided<Fold>(p, n, stride);
  typename Fold::Acc total = fold_contiguous<Fold>(p, n);
  for (int64_t i = n & -8; i < n; ++i) Fold::merge(total, wide_of<Fold>(p[i]));
  return total;
}

// ---- short rows ------------------------------------------------------------------------------------------
// Folding a row's lanes into one takes longer than a short row itself does: many rows' lanes are folded side by side,
// neighbour with neighbour.

constexpr int64_t kShortRow = 256;  // elements of a row at most
constexpr int kShortLanes = 8;
constexpr int kRowsAtOnce = 64;

template <class Fold>
DOVETAIL_INLINE void fold_pairs(const typename Fold::Lane* __restrict from, typename Fold::Lane* __restrict to, int n) {
  for (int k = 0; k < n; ++k) to[k] = Fold::fold(from[2 * k], from[2 * k + 1]);
}

// acc[r] becomes the total of row r, for up to kRowsAtOnce rows of n >= kShortLanes elements.
template <class Fold>
DOVETAIL_CLONES void fold_short_rows(const typename Fold::In* p, int64_t row_stride, int rows, int64_t n,
                                     typename Fold::Acc* acc) {
  constexpr int kLanes = kShortLanes;
  typename Fold::Lane lanes[kRowsAtOnce * kLanes], pairs[kRowsAtOnce * kLanes / 2];
  for (int r = 0; r < rows; ++r, p += row_stride) {
    typename Fold::Lane lane[kLanes];
    for (int l = 0; l < kLanes; ++l) lane[l] = Fold::first(p[l]);
    int64_t i = kLanes;
    for (; i + kLanes <= n; i += kLanes)
      for (int l = 0; l < kLanes; ++l) lane[l] = Fold::step(lane[l], p[i + l]);
    for (int l = 0; l < kLanes; ++l) lanes[r * kLanes + l] = lane[l];
    for (int l = 0; i < n; ++i, ++l) lanes[r * kLanes + l] = Fold::step(lanes[r * kLanes + l], p[i]);
  }
  fold_pairs<Fold>(lanes, pairs, rows * (kLanes / 2));
  fold_pairs<Fold>(pairs, lanes, rows * (kLanes / 4));
  fold_pairs<Fold>(lanes, pairs, rows);
  for (int r = 0; r < rows; ++r) acc[r] = Fold::wide(pairs[r]);
}

// ---- columns ---------------------------------------------------------------------------------------------

// lane[c] goes on over the next rows of column c, which are read side by side, each a stream of memory.
template <int kRows, class Fold>
DOVETAIL_INLINE void fold_rows(const typename Fold::In* p, int64_t row_stride, int64_t columns,
                               typename Fold::Lane* lane) {
  for (int64_t c = 0; c < columns; ++c) {
    typename Fold::Lane sum = lane[c];
    _Pragma("GCC unroll 8") for (int r = 0; r < kRows; ++r) sum = Fold::step(sum, p[r * row_stride + c]);
    lane[c] = sum;
  }
}

// The lanes of all columns stay in the first-level cache, and rows pass by once.
template <class Fold>
DOVETAIL_CLONES void fold_unit_columns(const typename Fold::In* p, int64_t rows, int64_t row_stride, int64_t columns,
                                       typename Fold::Acc* acc) {
  constexpr int kGroup = 8;
  typename Fold::Lane lane[kColumns];
  for (int64_t run = 0; run < rows; run += kRowRun + 1) {
    const int64_t height = std::min(kRowRun + 1, rows - run);
    const typename Fold::In* q = p + run * row_stride;
    for (int64_t c = 0; c < columns; ++c) lane[c] = Fold::first(q[c]);
    int64_t r = 1;
    for (; r + kGroup <= height; r += kGroup) fold_rows<kGroup, Fold>(q + r * row_stride, row_stride, columns, lane);
    for (; r < height; ++r) fold_rows<1, Fold>(q + r * row_stride, row_stride, columns, lane);
    if (run == 0) {
      for (int64_t c = 0; c < columns; ++c) acc[c] = Fold::wide(lane[c]);
    } else {
      for (int64_t c = 0; c < columns; ++c) Fold::merge(acc[c], Fold::wide(lane[c]));
    }
  }
}

// acc[c] becomes the total of column c over rows >= 1.
template <class Fold>
__attribute__((noinline)) void fold_columns(const typename Fold::In* p, int64_t rows, int64_t row_stride,
                                            int64_t columns, int64_t column_stride, typename Fold::Acc* acc) {
  if (column_stride == 1) return fold_unit_columns<Fold>(p, rows, row_stride, columns, acc);
  if (column_stride == 0) {
    std::fill_n(acc, columns, fold_span<Fold>(p, rows, row_stride));
    return;
  }
  for (int64_t c = 0; c < columns; ++c) acc[c] = wide_of<Fold>(p[c * column_stride]);
  for (int64_t r = 1; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) Fold::merge(acc[c], wide_of<Fold>(p[r * row_stride + c * column_stride]));
}

// A reducer for the driver (reduce_drive.h) made of a fold.
template <class Fold>
struct LaneReducer {
  using In = typename Fold::In;
  using Acc = typename Fold::Acc;
  using Out = typename Fold::Out;

  static Acc identity() { return Fold::identity(); }
  static Acc span(const In* p, int64_t n, int64_t stride) { return fold_span<Fold>(p, n, stride); }
  static constexpr bool kHasShortRows = !std::is_void_v<typename Fold::Short>;
  static void short_rows(const In* p, int64_t row_stride, int rows, int64_t n, Acc* acc) {
    if constexpr (kHasShortRows) fold_short_rows<typename Fold::Short>(p, row_stride, rows, n, acc);
  }
  static void columns(const In* p, int64_t rows, int64_t row_stride, int64_t cols, int64_t col_stride, Acc* acc) {
    fold_columns<Fold>(p, rows, row_stride, cols, col_stride, acc);
  }
  static void merge(Acc& a, const Acc& b) { Fold::merge(a, b); }
  static Out finish(const Acc& acc, int64_t count, double) { return Fold::finish(acc, count); }
};

}  // namespace dovetail::cpu

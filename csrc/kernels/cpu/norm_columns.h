// Normalisation of channels with few spatial positions: a strip of neighbouring columns, each a channel's position, is
// worked on through all samples at once; what the positions of a channel share is spread over its columns.
#pragma once

#include "kernels/cpu/norm_common.h"

namespace dovetail::cpu::norms {

constexpr int kStrip = 256;  // columns at most

// totals[k][j] += the sum over the rows of share k of term(at, j, share), where `at` is the row's offset.
template <class T, int kCount, class Term>
DOVETAIL_INLINE void add_columns(int64_t rows, int64_t step, int width, double (*totals)[kStrip], const Term& term) {
  for (int64_t first = 0; first < rows; first += kRowRun) {
    const int64_t last = std::min(rows, first + kRowRun);
    T sum[kCount][kStrip];
    for (int k = 0; k < kCount; ++k) std::fill_n(sum[k], width, T{0});
    for (int64_t r = first; r < last; ++r)
      for (int j = 0; j < width; ++j) {
        T share[kCount];
        term(r * step + j, j, share);
        for (int k = 0; k < kCount; ++k) sum[k][j] += share[k];
      }
    for (int k = 0; k < kCount; ++k)
      for (int j = 0; j < width; ++j) totals[k][j] += static_cast<double>(sum[k][j]);
  }
}

template <class T>
DOVETAIL_CLONES void column_sums(const T* x, int64_t rows, int64_t step, int width, double (*totals)[kStrip]) {
  add_columns<T, 1>(rows, step, width, totals, [x](int64_t at, int, T* share) { *share = x[at]; });
}

// The squares of x - mean.
template <class T>
DOVETAIL_CLONES void column_squares(const T* x, const T* mean, int64_t rows, int64_t step, int width,
                                    double (*totals)[kStrip]) {
  add_columns<T, 1>(rows, step, width, totals,
                    [x, mean](int64_t at, int j, T* share) { *share = (x[at] - mean[j]) * (x[at] - mean[j]); });
}

template <class T>
DOVETAIL_CLONES void column_affine(const T* x, T* __restrict out, int64_t rows, int64_t step, int width, const T* mean,
                                   const T* scale, const T* shift) {
  for (int64_t r = 0; r < rows; ++r, x += step, out += step)
    for (int j = 0; j < width; ++j) out[j] = (x[j] - mean[j]) * scale[j] + shift[j];
}

// sum(grad) and sum(grad * (x - mean))
template <class T>
DOVETAIL_CLONES void column_grad_sums(const T* grad, const T* x, const T* mean, int64_t rows, int64_t step, int width,
                                      double (*totals)[kStrip]) {
  add_columns<T, 2>(rows, step, width, totals, [=](int64_t at, int j, T* share) {
    share[0] = grad[at];
    share[1] = grad[at] * (x[at] - mean[j]);
  });
}

template <class T>
DOVETAIL_CLONES void column_grad(const T* grad, const T* x, T* __restrict out, int64_t rows, int64_t step, int width,
                                 const T* mean, const T* along, const T* across, const T* shift) {
  for (int64_t r = 0; r < rows; ++r, grad += step, x += step, out += step)
    for (int j = 0; j < width; ++j) out[j] = grad[j] * along[j] + ((x[j] - mean[j]) * across[j] + shift[j]);
}

}  // namespace dovetail::cpu::norms

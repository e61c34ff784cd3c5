// Sums of runs of elements in lanes side by side: in the element's own precision for at most kRun elements or kRowRun
// rows, and in double beyond.
#pragma once

#include "kernels/cpu/index_common.h"

namespace dovetail::cpu::lanes {

constexpr int64_t kRun = 1024;
constexpr int64_t kRowRun = 32;
constexpr int kNarrow = 8;  // lanes of what is left of a run

template <class T>
constexpr int kLanes = 128 / sizeof(T);

template <int L, class T>
DOVETAIL_INLINE double sum_lanes(T* lane) {
  for (int width = L / 2; width >= 1; width /= 2)
    for (int l = 0; l < width; ++l) lane[l] += lane[l + width];
  return lane[0];
}

// kCount sums over [0, n), to be added to `totals`; term(i, out) gives element i's share of each.
template <class T, int kCount, class Term>
DOVETAIL_INLINE void add_terms(int64_t n, double* totals, const Term& term) {
  constexpr int L = kLanes<T>;
  int64_t i = 0;
  while (i + L <= n) {
    T lane[kCount][L] = {};
    const int64_t end = i + (std::min(n - i, kRun) & -L);
    for (; i < end; i += L)
      for (int l = 0; l < L; ++l) {
        T share[kCount];
        term(i + l, share);
        for (int k = 0; k < kCount; ++k) lane[k][l] += share[k];
      }
    for (int k = 0; k < kCount; ++k) totals[k] += sum_lanes<L>(lane[k]);
  }
  if (i + kNarrow <= n) {
    T lane[kCount][kNarrow] = {};
    for (; i + kNarrow <= n; i += kNarrow)
      for (int l = 0; l < kNarrow; ++l) {
        T share[kCount];
        term(i + l, share);
        for (int k = 0; k < kCount; ++k) lane[k][l] += share[k];
      }
    for (int k = 0; k < kCount; ++k) totals[k] += sum_lanes<kNarrow>(lane[k]);
  }
  for (; i < n; ++i) {
    T share[kCount];
    term(i, share);
    for (int k = 0; k < kCount; ++k) totals[k] += static_cast<double>(share[k]);
  }
}

template <class T, class Term>
DOVETAIL_INLINE double sum_terms(int64_t n, const Term& term) {
  double total = 0;
  add_terms<T, 1>(n, &total, [&term](int64_t i, T* share) { *share = term(i); });
  return total;
}

// total[l] += the sum over the n rows of term(i, l), for width <= kLanes columns.
template <class T, class Term>
DOVETAIL_INLINE void sum_columns(int64_t n, int width, double* total, const Term& term) {
  for (int64_t first = 0; first < n; first += kRowRun) {
    const int64_t last = std::min(n, first + kRowRun);
    T sum[kLanes<T>];
    for (int l = 0; l < width; ++l) sum[l] = term(first, l);
    for (int64_t i = first + 1; i < last; ++i)
      for (int l = 0; l < width; ++l) sum[l] += term(i, l);
    for (int l = 0; l < width; ++l) total[l] += static_cast<double>(sum[l]);
  }
}

}  // namespace dovetail::cpu::lanes

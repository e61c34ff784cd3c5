// Sums of runs of elements in lanes side by side: in the element's own precision for at most kRun elements or kRowRun
// rows, and in double beyond.
#pragma once

#include <cstring>

#include "kernels/cpu/index_common.h"

namespace dovetail::cpu::lanes {

constexpr int64_t kRun = 1024;
constexpr int64_t kRowRun = 32;
constexpr int kNarrow = 8;  // lanes of what is left of a run

template <class T>
constexpr int kLanes = 128 / sizeof(T);

// By halves, as vectors: the compiler would take lanes in an array one by one.
template <int L, class T>
DOVETAIL_INLINE T sum_lanes(const T* lane) {
  if constexpr (L == 1) {
    return lane[0];
  } else {
    typedef T Half __attribute__((vector_size(L / 2 * sizeof(T))));
    Half low, high;
    std::memcpy(&low, lane, sizeof low);
    std::memcpy(&high, lane + L / 2, sizeof high);
    low += high;
    return sum_lanes<L / 2>(reinterpret_cast<const T*>(&low));
  }
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
    for (int k = 0; k < kCount; ++k) totals[k] += static_cast<double>(sum_lanes<L>(lane[k]));
  }
  if (i + kNarrow <= n) {
    T lane[kCount][kNarrow] = {};
    for (; i + kNarrow <= n; i += kNarrow)
      for (int l = 0; l < kNarrow; ++l) {
        T share[kCount];
        term(i + l, share);
        for (int k = 0; k < kCount; ++k) lane[k][l] += share[k];
      }
    for (int k = 0; k < kCount; ++k) totals[k] += static_cast<double>(sum_lanes<kNarrow>(lane[k]));
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

// The same over elements of x, which term(x) changes in place, a number or a vector of them. Of short rows an array of
// lanes takes longer to be cleared and added up than they do to be summed.
template <class T, class Term>
DOVETAIL_INLINE double sum_terms(const T* x, int64_t n, const Term& term) {
  typedef T V __attribute__((vector_size(32)));
  constexpr int kWidth = 32 / sizeof(T), kFew = kNarrow / kWidth;
  double total = 0;
  int64_t i = 0;
  const auto add = [&](V* sum, int vectors) {
    for (int j = 0; j < vectors; ++j) {
      V v;
      std::memcpy(&v, x + i + j * kWidth, sizeof v);
      term(v);
      sum[j] += v;
    }
  };
  while (i + kLanes<T> <= n) {
    V sum[4] = {V{}, V{}, V{}, V{}};
    for (const int64_t end = i + (std::min(n - i, kRun) & -kLanes<T>); i < end; i += kLanes<T>) add(sum, 4);
    sum[0] += sum[2], sum[1] += sum[3], sum[0] += sum[1];
    total += static_cast<double>(sum_lanes<kWidth>(reinterpret_cast<const T*>(sum)));
  }
  if (i + kNarrow <= n) {
    V sum[kFew] = {V{}};
    for (; i + kNarrow <= n; i += kNarrow) add(sum, kFew);
    if (kFew == 2) sum[0] += sum[kFew - 1];
    total += static_cast<double>(sum_lanes<kWidth>(reinterpret_cast<const T*>(sum)));
  }
  for (; i < n; ++i) {
    T v = x[i];
    term(v);
    total += static_cast<double>(v);
  }
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

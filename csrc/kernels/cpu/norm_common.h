// What the kernels of normalisation share: sums in lanes, moments, optional arrays, outputs that may be strided.
//
// Sums run in the element's own precision for at most kRun elements or kRowRun rows, and in double beyond.
#pragma once

#include <cmath>

#include "kernels/cpu/index_copy.h"

namespace dovetail::cpu::norms {

constexpr int64_t kRun = 1024;
constexpr int64_t kRowRun = 32;
constexpr int kNarrow = 8;      // lanes of what is left of a run
constexpr int64_t kPlane = 64;  // spatial positions of a channel that make a plane

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

template <class T>
struct Moments {
  T mean, scale;  // scale = 1 / sqrt(variance + eps)
};

// Of n elements; not centred, the mean counts as 0.
template <bool kCentred, class T>
DOVETAIL_INLINE Moments<T> moments(const T* x, int64_t n, double eps) {
  const double count = static_cast<double>(n);
  const T mean = kCentred ? static_cast<T>(sum_terms<T>(n, [x](int64_t i) { return x[i]; }) / count) : T{0};
  const double squares = sum_terms<T>(n, [x, mean](int64_t i) { return (x[i] - mean) * (x[i] - mean); });
  return {mean, static_cast<T>(1 / std::sqrt(squares / count + eps))};
}

// Arrays in row-major order; `failed` is set where scratch memory ran out.
class Operands {
 public:
  explicit Operands(dt_kernel_context* ctx) : ctx_(ctx) {}

  // An input; null where it was not given or is empty.
  template <class T>
  const T* in(const dt_array& a) {
    if (a.ndim < 0 || numel(a) == 0) return nullptr;
    const T* data = contiguous_data<T>(ctx_, a);
    failed_ |= !data;
    return data;
  }
  // Where an output is written: itself, or scratch memory that deliver() copies from.
  template <class T>
  T* out(const dt_array& a) {
    return is_contiguous(a) ? static_cast<T*>(a.data) : scratch<T>(numel(a));
  }
  template <class T>
  T* scratch(int64_t count) {
    T* data = static_cast<T*>(ctx_->workspace(ctx_, static_cast<size_t>(count) * sizeof(T) + 1));
    failed_ |= !data;
    return data;
  }
  void deliver(const dt_array& a, const void* from) const {
    if (!is_contiguous(a)) copy_from_contiguous(ctx_, a, from);
  }
  bool failed() const { return failed_; }

 private:
  dt_kernel_context* ctx_;
  bool failed_ = false;
};

}  // namespace dovetail::cpu::norms

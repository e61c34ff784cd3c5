// Normalisation with one mean and scale, and one affine entry, for a whole plane of elements: the spatial positions of
// a channel of a sample.
#pragma once

#include "kernels/cpu/norm_common.h"

namespace dovetail::cpu::norms {

// The mean, and the (population) variance.
template <class T>
DOVETAIL_CLONES void plane_moments(const T* x, int64_t size, double* mean, double* variance) {
  const double count = static_cast<double>(size);
  *mean = sum_terms<T>(size, [x](int64_t i) { return x[i]; }) / count;
  const T middle = static_cast<T>(*mean);
  const double off = *mean - static_cast<double>(middle);
  const double squares = sum_terms<T>(size, [x, middle](int64_t i) { return (x[i] - middle) * (x[i] - middle); });
  *variance = std::max(0.0, squares / count - off * off);
}

// out = (x - mean) * scale + shift
template <class T>
DOVETAIL_CLONES void plane_affine(const T* x, T* out, int64_t size, T mean, T scale, T shift) {
  for (int64_t i = 0; i < size; ++i) out[i] = (x[i] - mean) * scale + shift;
}

// sums[0] = sum(grad), sums[1] = sum(grad * (x - mean))
template <class T>
DOVETAIL_CLONES void plane_grad_sums(const T* grad, const T* x, int64_t size, T mean, double* sums) {
  double totals[2] = {};
  add_terms<T, 2>(size, totals, [=](int64_t i, T* share) {
    share[0] = grad[i];
    share[1] = grad[i] * (x[i] - mean);
  });
  sums[0] = totals[0];
  sums[1] = totals[1];
}

// out = grad * along + (x - mean) * across + shift
template <class T>
DOVETAIL_CLONES void plane_grad(const T* grad, const T* x, T* out, int64_t size, T mean, T along, T across, T shift) {
  for (int64_t i = 0; i < size; ++i) out[i] = grad[i] * along + ((x[i] - mean) * across + shift);
}

}  // namespace dovetail::cpu::norms

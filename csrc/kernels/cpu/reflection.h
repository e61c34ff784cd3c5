// One Householder reflection.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace dovetail::cpu {

// Of a column's length, what is left of it counts as nothing below this: it is rounding of rounding, which reflections
// would follow down to numbers that have no digits.
template <class T>
constexpr double kNothing =
    static_cast<double>(std::numeric_limits<T>::epsilon()) * static_cast<double>(std::numeric_limits<T>::epsilon()) *
    static_cast<double>(std::numeric_limits<T>::epsilon());

// The Euclidean norm of `by` times numbers that lie kStep apart: squares of float fit double; those of double are
// scaled where they may not.
template <int64_t kStep, class T>
double norm_of(const T* x, int64_t n, double by = 1) {
  double sums[4] = {};
  for (int64_t i = 0; i < n; ++i) {
    const double value = static_cast<double>(x[i * kStep]) * by;
    sums[i % 4] += value * value;
  }
  const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const bool fits = sum > 1e-280 && sum < 1e300;
  if (fits || by != 1 || std::isnan(sum) || std::is_same_v<T, float>) return std::sqrt(sum);
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(static_cast<double>(x[i * kStep])));
  if (largest == 0 || std::isinf(largest)) return largest;
  const double scale = std::ldexp(1.0, std::min(1000, -std::ilogb(largest)));
  return norm_of<kStep>(x, n, scale) / scale;
}

// What takes (a, x) to (beta, 0), where the `below` numbers of x follow a in steps: a's place has beta then, x's the
// reflection's tail. tau; 0 where x is no longer than `least`.
template <int64_t kStep, class T>
T make_reflection(T* a, int64_t below, double least = 0) {
  constexpr double kSmall = 1e-290, kRaised = 0x1p1000;  // doubles that small lack digits: they are raised before
  T* const tail = a + kStep;
  double size = norm_of<kStep>(tail, below), alpha = static_cast<double>(*a), raised = 1;
  if (size <= least) return T(0);
  if (std::is_same_v<T, double> && size < kSmall && std::abs(alpha) < kSmall) {
    raised = kRaised, alpha *= raised;
    size = norm_of<kStep>(tail, below, raised);
  }
  const double beta = -std::copysign(std::hypot(alpha, size), alpha), by = alpha - beta;
  for (int64_t i = 0; i < below; ++i) {
    T& x = tail[i * kStep];
    x = static_cast<T>(static_cast<double>(x) * raised / by);
  }
  *a = static_cast<T>(beta / raised);
  return static_cast<T>((beta - alpha) / beta);
}

}  // namespace dovetail::cpu

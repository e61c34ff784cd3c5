// One Householder reflection.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace dovetail::cpu {

// The Euclidean norm of numbers that lie kStep apart: squares of float fit double; those of double are scaled where
// they may not.
template <int64_t kStep, class T>
double norm_of(const T* x, int64_t n, double by = 1) {
  double sums[4] = {};
  for (int64_t i = 0; i < n; ++i) {
    const double value = static_cast<double>(x[i * kStep]) * by;
    sums[i % 4] += value * value;
  }
  const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const bool fits = sum > 1e-280 && sum < 1e300;
  if (fits || by != 1 || std::is_same_v<T, float>) return std::sqrt(sum) / by;
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(static_cast<double>(x[i * kStep])));
  if (!(largest > 0) || std::isinf(largest)) return std::isnan(sum) ? sum : largest;
  return norm_of<kStep>(x, n, std::ldexp(1.0, std::min(1000, -std::ilogb(largest))));
}

// What takes (a, x) to (beta, 0), where the `below` numbers of x follow a in steps: a's place has beta then, x's the
// reflection's tail. tau; 0 where x is 0 already.
template <int64_t kStep, class T>
T make_reflection(T* a, int64_t below) {
  T* const tail = a + kStep;
  const double size = norm_of<kStep>(tail, below);
  if (size == 0) return T(0);
  const double alpha = static_cast<double>(*a), beta = -std::copysign(std::hypot(alpha, size), alpha);
  const double by = alpha - beta;
  for (int64_t i = 0; i < below; ++i) {
    T& x = tail[i * kStep];
    x = static_cast<T>(static_cast<double>(x) / by);
  }
  *a = static_cast<T>(beta);
  return static_cast<T>((beta - alpha) / beta);
}

}  // namespace dovetail::cpu

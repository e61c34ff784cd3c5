#include "kernels/cpu/special.h"

#include <cmath>
#include <limits>

namespace dovetail::cpu {

double inverse_erf(double y) {
  const double a = std::fabs(y);
  if (!(a < 1))
    return a == 1 ? std::copysign(std::numeric_limits<double>::infinity(), y)
                  : std::numeric_limits<double>::quiet_NaN();
  // Winitzki's estimate, good to 2e-3, then Halley's steps on erf (on erfc near 1, where 1 - a is exact and erf has no
  // digits left), each of which triples the correct digits.
  const double l = std::log1p(-a * a), t = 4.3307467508 + l / 2;
  double x = std::sqrt(std::sqrt(t * t - l * 6.8027210884) - t);
  if (a < 1e-4) x = a * 0.88622692545275801;
  for (int i = 0; i < 3; ++i) {
    const double wrong = a <= 0.5 ? std::erf(x) - a : (1 - a) - std::erfc(x);
    const double newton = wrong / (1.1283791670955126 * std::exp(-x * x));
    x -= newton / (1 + x * newton);
  }
  return std::copysign(x, y);
}

double log_gamma(double x) {
#if defined(__GLIBC__)
  int sign;
  return lgamma_r(x, &sign);
#else
  return std::lgamma(x);
#endif
}

}  // namespace dovetail::cpu

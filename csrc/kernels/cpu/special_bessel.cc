// Bessel functions of orders 0 and 1.
#include "kernels/cpu/special.h"
#include "kernels/cpu/special_tables.h"

namespace dovetail::cpu {

namespace {

// e^x times a number, where e^x alone may be too large.
double grown(double x, double scaled) {
  if (x < 700) return std::exp(x) * scaled;
  const double half = std::exp(0.5 * x);
  return half * scaled * half;
}

double i0_scaled(double a) {
  return a <= 8 ? series(kI0Near, a / 4 - 1) / (a + 4) : series(kI0Far, 16 / a - 1) / std::sqrt(a);
}
double i1_scaled(double a) {
  return a <= 8 ? series(kI1Near, a / 4 - 1) * (a / (a + 1)) : series(kI1Far, 16 / a - 1) / std::sqrt(a);
}

// 0 < x <= 2. Below 1e-200 what is left out shows no more, and x / 2 may be 0.
double k0_near(double x) {
  if (x < 1e-200) return 0.11593151565841244862 - std::log(x);  // log 2 - Euler's constant
  return series(kK0Near, x * x / 2 - 1) - std::log(x / 2) * bessel_i0(x);
}
double k1_near(double x) {
  if (x < 1e-200) return 1 / x;
  return series(kK1Near, x * x / 2 - 1) / x + std::log(x / 2) * bessel_i1(x);
}
double k0_far_scaled(double x) { return series(kK0Far, 4 / x - 1) / std::sqrt(x); }
double k1_far_scaled(double x) { return series(kK1Far, 4 / x - 1) / std::sqrt(x); }

}  // namespace

// The C library's, but at the ends, where libraries differ.
double bessel_j0(double x) { return std::isinf(x) ? 0 : ::j0(x); }
double bessel_j1(double x) { return std::isinf(x) ? 0 : ::j1(x); }
double bessel_y0(double x) { return x > 0 ? (x == kInf ? 0 : ::y0(x)) : x == 0 ? -kInf : kNan; }
double bessel_y1(double x) {
  if (!(x > 0)) return x == 0 ? -kInf : kNan;
  if (x < 1e-200) return -0.63661977236758134308 / x;
  return x == kInf ? 0 : ::y1(x);
}

double bessel_i0(double x) {
  const double a = std::fabs(x);
  return a == kInf ? kInf : grown(a, i0_scaled(a));
}
double bessel_i0e(double x) { return i0_scaled(std::fabs(x)); }
double bessel_i1(double x) {
  const double a = std::fabs(x);
  return a == kInf ? x : std::copysign(grown(a, i1_scaled(a)), x);
}
double bessel_i1e(double x) { return std::copysign(i1_scaled(std::fabs(x)), x); }

double bessel_k0(double x) {
  if (!(x > 0)) return x == 0 ? kInf : kNan;
  return x <= 2 ? k0_near(x) : std::exp(-x) * k0_far_scaled(x);
}
double bessel_k0e(double x) {
  if (!(x > 0)) return x == 0 ? kInf : kNan;
  return x <= 2 ? std::exp(x) * k0_near(x) : k0_far_scaled(x);
}
double bessel_k1(double x) {
  if (!(x > 0)) return x == 0 ? kInf : kNan;
  return x <= 2 ? k1_near(x) : std::exp(-x) * k1_far_scaled(x);
}
double bessel_k1e(double x) {
  if (!(x > 0)) return x == 0 ? kInf : kNan;
  return x <= 2 ? std::exp(x) * k1_near(x) : k1_far_scaled(x);
}

}  // namespace dovetail::cpu

// Special functions of doubles, which the CPU's kernels round to the dtype at hand. What each one's error was measured
// to be is in the op's documentation.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace dovetail::cpu {

constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();

// The sum of a Chebyshev series at t in [-1, 1], by Clenshaw's recurrence.
template <int kCount>
inline double series(const double (&coefficients)[kCount], double t) {
  double b = 0, previous = 0;
  for (int k = kCount - 1; k > 0; --k) {
    const double next = coefficients[k] + (2 * t * b - previous);
    previous = b;
    b = next;
  }
  return coefficients[0] + (t * b - previous);
}

// e^(high + low), where high is large and low its rounding error.
inline double exp_of(double high, double low) {
  const double e = std::exp(high);
  return e > 0 && e < kInf ? e + e * low : e;
}

// e^(factor * x^2) for a power of two (or its negative) as factor.
inline double exp_of_square(double x, double factor) {
  const double square = x * x;
  return exp_of(factor * square, factor * std::fma(x, x, -square));
}

// special_erf.cc
double erfcx(double x);  // e^(x^2) erfc(x)
double ndtri(double p);  // the inverse of the normal distribution function

// special_gamma.cc
double log_gamma(double x);             // log |gamma(x)|. (The C library's writes a global sign.)
double zeta(double s, double q);        // Hurwitz's
double polygamma(int64_t n, double x);  // the nth derivative of digamma, n > 0

// special_igamma.cc
double igamma(double a, double x);   // the lower incomplete gamma function, regularised
double igammac(double a, double x);  // the upper one

// special_bessel.cc
double bessel_j0(double x);
double bessel_j1(double x);
double bessel_y0(double x);
double bessel_y1(double x);

// special_airy.cc
double airy_ai(double x);
double airy_ai_slope(double x);  // its derivative

}  // namespace dovetail::cpu

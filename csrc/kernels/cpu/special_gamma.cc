// The gamma function's logarithm and its derivatives, and Hurwitz's zeta function.
#include "kernels/cpu/special.h"
#include "kernels/cpu/special_tables.h"

namespace dovetail::cpu {

namespace {

bool is_whole(double x) { return x == std::floor(x); }

// q^s zeta(s, q) for s > 1 and finite q > 0: nine terms, and the Euler-Maclaurin formula for the rest (DLMF 25.11.5).
// Where that would not do, s being large, the rest is below the rounding error.
double scaled_zeta(double s, double q) {
  constexpr int kTerms = 9;
  double sum = 1;
  for (int k = 1; k < kTerms; ++k) sum += std::exp(-s * std::log1p(k / q));
  const double a = q + kTerms, weight = std::exp(-s * std::log1p(kTerms / q));
  if (weight < 1e-18) return sum;
  double rest = a / (s - 1) + 0.5, rising = s / a;
  for (int j = 0; j < 12; ++j) {
    const double term = kEulerMaclaurin[j] * rising;
    rest += term;
    if (std::fabs(term) < 1e-17 * rest) break;
    rising *= (s + 2 * j + 1) / a * ((s + 2 * j + 2) / a);
  }
  return sum + weight * rest;
}

double zeta_right(double s, double q) {
  if (q == kInf) return 0;
  if (q < 1) return std::pow(q, -s) * scaled_zeta(s, q);
  return std::pow(q, 1 - s) * (scaled_zeta(s, q) / q);  // a large q's power -s may be below the smallest double
}

}  // namespace

double log_gamma(double x) {
#if defined(__GLIBC__)
  int sign;
  return lgamma_r(x, &sign);
#else
  return std::lgamma(x);
#endif
}

double zeta(double s, double q) {
  if (s == 1) return kInf;
  if (!(s > 1) || q != q) return kNan;
  if (q > 0) return zeta_right(s, q);
  if (is_whole(q)) return kInf;
  if (s == kInf) return kInf;  // some term is not below 1
  if (!is_whole(s)) return kNan;
  // The terms at q, q + 1, ... below 0 are those of another zeta function up to the sign, less its tail.
  const double first = q - std::floor(q), sign = std::fmod(s, 2) == 0 ? 1 : -1;
  return zeta_right(s, first) + sign * (zeta_right(s, 1 - first) - zeta_right(s, 1 - q));
}

double polygamma(int64_t n, double x) {
  const double s = static_cast<double>(n) + 1, sign = n % 2 == 1 ? 1 : -1;  // (-1)^(n + 1) n! zeta(n + 1, x)
  const double factorial = n <= 170 ? std::tgamma(s) : kInf, terms = zeta(s, x);
  if (!(x > 0 && x < kInf) || (factorial < kInf && terms < kInf && terms > 1e-300)) return sign * factorial * terms;
  // Where the product's factors are no doubles.
  return sign * std::exp(log_gamma(s) - s * std::log(x) + std::log(scaled_zeta(s, x)));
}

}  // namespace dovetail::cpu

// The incomplete gamma functions, regularised: P and Q = 1 - P. By the power series where P is the smaller, by the
// continued fraction where Q is, and near a = x, where both take long, by Temme's uniform expansion (DLMF 8.12).
#include "kernels/cpu/special.h"
#include "kernels/cpu/special_tables.h"

namespace dovetail::cpu {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon(), kTwoPi = 6.28318530717958647693;

// m - log(1 + m), which is small as m^2/2, for m > -1.
double log1p_rest(double m) {
  if (std::fabs(m) > 0.5) return m - std::log1p(m);
  // log1p(m) = 2 atanh(r) with r = m / (2 + m): m - 2r = m r, and the rest is a series in r^2.
  const double r = m / (2 + m), z = r * r;
  double sum = 0;
  for (int k = 41; k >= 3; k -= 2) sum = z * (sum + 1.0 / k);
  return r * (m - 2 * sum);
}

// gamma(a + 1) for the a at hand, which a + 1 may not be.
double gamma_next(double a) { return a < 1 ? std::tgamma(a + 1) : a * std::tgamma(a); }

// x^a e^-x / gamma(a + 1)
double prefix(double a, double x) {
  if (a <= 100) {
    const double power = std::pow(x, a), half = std::exp(-0.5 * x);
    if (half == 0) return 0;
    return power < kInf ? half * power / gamma_next(a) * half : 0;
  }
  // Stirling's series: DLMF 5.11.1
  const double z = 1 / (a * a);
  const double correction = (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / a;
  const double rate = log1p_rest((x - a) / a), high = -a * rate;
  return exp_of(high, std::fma(-a, rate, -high)) * std::exp(-correction) / std::sqrt(kTwoPi * a);
}

// sum x^n / ((a + 1) ... (a + n)): DLMF 8.7.1
double lower_series(double a, double x) {
  double sum = 1, term = 1;
  for (double n = 1; n < 2000 && term > sum * kEpsilon / 8; ++n) {
    term *= x / (a + n);
    sum += term;
  }
  return prefix(a, x) * sum;
}

// By Lentz's method: DLMF 8.9.2
double upper_fraction(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / b, value = d;
  for (int i = 1; i < 2000; ++i) {
    const double numerator = i * (a - i);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    const double factor = c * d;
    value *= factor;
    if (std::fabs(factor - 1) < kEpsilon / 2) break;
  }
  return a * prefix(a, x) * value;
}

// Q for small x and a, where 1 - P would cancel: DLMF 8.7.3 with the leading 1 - x^a / gamma(a + 1) as expm1.
double upper_series(double a, double x) {
  double term = 1, sum = 0;
  for (int n = 1; n < 200; ++n) {
    term *= -x / n;
    const double more = term / (a + n);
    sum += more;
    if (std::fabs(more) < std::fabs(sum) * kEpsilon / 4) break;
  }
  const double log_gamma_next = a * (a - 1) * series(kLogGamma, 1.6 * a - 1);
  const double log_ratio = a * std::log(x) - log_gamma_next;
  return -std::expm1(log_ratio) - a * sum * std::exp(log_ratio);
}

// sign: -1 for P, 1 for Q.
double uniform(double a, double x, double sign) {
  const double m = (x - a) / a, half_square = log1p_rest(m);
  const double eta = std::copysign(std::sqrt(2 * half_square), m);
  double rest = 0;
  for (int k = 19; k >= 0; --k) {
    double row = 0;
    for (int n = 19; n >= 0; --n) row = row * eta + kTemme[k][n];
    rest = rest / a + row;
  }
  const double share = 0.5 * std::erfc(sign * std::copysign(std::sqrt(a * half_square), m));
  return share + sign * std::exp(-a * half_square) / std::sqrt(kTwoPi * a) * rest;
}

bool near_diagonal(double a, double x) { return a > 20 && std::fabs(x - a) < 0.3 * a; }

// What is decided by an argument's being 0, infinite or out of range; `settled` says whether.
double edge(double a, double x, bool lower, bool& settled) {
  settled = true;
  if (!(a >= 0 && x >= 0) || (a == 0 && x == 0) || (a == kInf && x == kInf)) return kNan;
  if (a == 0 || x == kInf) return lower;
  if (x == 0 || a == kInf) return !lower;
  settled = false;
  return 0;
}

// Whether Q is found by its series rather than from P.
bool takes_upper_series(double a, double x) { return x <= 0.5 ? a <= -0.4 / std::log(x) : x <= 1.1 && a <= 1.1 * x; }

}  // namespace

double igamma(double a, double x) {
  bool settled;
  const double value = edge(a, x, true, settled);
  if (settled) return value;
  if (near_diagonal(a, x)) return uniform(a, x, -1);
  if (x > 1 && x > a + 0.5) return 1 - igammac(a, x);
  return lower_series(a, x);
}

double igammac(double a, double x) {
  bool settled;
  const double value = edge(a, x, false, settled);
  if (settled) return value;
  if (near_diagonal(a, x)) return uniform(a, x, 1);
  if (x <= 1.1) return takes_upper_series(a, x) ? upper_series(a, x) : 1 - lower_series(a, x);
  return x < a + 0.5 && a > 0.5 ? 1 - lower_series(a, x) : upper_fraction(a, x);
}

}  // namespace dovetail::cpu

// The incomplete gamma functions, regularised: P and Q = 1 - P. By the power series where P is the smaller, by the
// continued fraction where Q is, and near a = x, where both take long, by Temme's uniform expansion (DLMF 8.12).
#include "kernels/cpu/special.h"
#include "kernels/cpu/special_tables.h"

namespace dovetail::cpu {

namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon(), kTwoPi = 6.28318530717958647693;

// atanh(r) / r - 1
double atanh_rest(double r) {
  const double z = r * r;
  double sum = 0;
  for (int k = 41; k >= 3; k -= 2) sum = z * (sum + 1.0 / k);
  return sum;
}

// m - log(1 + m), which is small as m^2/2, for m > -1: log(1 + m) = 2 atanh(r) with r = m / (2 + m), and m - 2r = m r.
double log1p_rest(double m) {
  if (std::fabs(m) > 0.5) return m - std::log1p(m);
  const double r = m / (2 + m);
  return r * (m - 2 * atanh_rest(r));
}

// (x / a)^a e^(a - x), which is e^(-a (m - log(1 + m))) with m = (x - a) / a.
double decay(double a, double x) {
  const double ratio = x / a, gap = a - x;
  const double moved = gap - a, gap_low = (a - (gap - moved)) - (x + moved);
  if (std::fabs(gap) < 1400 && a * std::fabs(std::log(ratio)) < 1400) {
    // As a square, whose factors stay within range; what was rounded off the ratio and the gap counts a times.
    const double half = std::pow(ratio, 0.5 * a) * std::exp(0.5 * gap);
    const double ratio_low = std::fma(-ratio, a, x) / a;
    return half * half * std::exp(a * ratio_low / ratio + gap_low);
  }
  // As log1p_rest, but the leading term r m is taken with its rounding error.
  const double m = -gap / a, m_low = (std::fma(-m, a, -gap) - gap_low) / a;
  const double sum = 2 + m, sum_low = m - (sum - 2), r = m / sum;
  const double r_low = (std::fma(-r, sum, m) - r * sum_low + m_low * (1 - r)) / sum;
  const double leading = r * m, leading_low = std::fma(r, m, -leading) + r * m_low + r_low * m;
  const double rest = std::fabs(m) > 0.5 ? leading - log1p_rest(m) : 2 * r * atanh_rest(r);
  const double high = -a * leading, more = a * rest, total = high + more;
  const double total_low = ((high - total) + more) + (std::fma(-a, leading, -high) - a * leading_low);
  return exp_of(total, total_low);
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
  return decay(a, x) * std::exp(-correction) / std::sqrt(kTwoPi * a);
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

// DLMF 8.9.2. Lentz's method tells how many terms it takes; backwards they lose no digits.
double upper_fraction(double a, double x) {
  const double first = x + 1 - a;
  double b = first, c = 1e300, d = 1 / b;
  int terms = 1;
  for (; terms < 2000; ++terms) {
    const double numerator = terms * (a - terms);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    if (std::fabs(c * d - 1) < kEpsilon / 2) break;
  }
  double rest = 0;
  for (int i = terms; i > 0; --i) rest = i * (a - i) / (first + 2 * i + rest);
  return a * prefix(a, x) / (first + rest);
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
  // In the tail erfc is e^(-z^2) erfcx, so that the exponential is found once, and exactly.
  const double z = sign * std::copysign(std::sqrt(a * half_square), m), fall = decay(a, x);
  const double share = z > 1 ? fall * erfcx(z) : std::erfc(z);
  return 0.5 * share + sign * fall / std::sqrt(kTwoPi * a) * rest;
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
  if (x > 1.1 && x > a) return 1 - igammac(a, x);
  return lower_series(a, x);
}

double igammac(double a, double x) {
  bool settled;
  const double value = edge(a, x, false, settled);
  if (settled) return value;
  if (near_diagonal(a, x)) return uniform(a, x, 1);
  if (x <= 1.1) return takes_upper_series(a, x) ? upper_series(a, x) : 1 - lower_series(a, x);
  return x < a ? 1 - lower_series(a, x) : upper_fraction(a, x);
}

}  // namespace dovetail::cpu

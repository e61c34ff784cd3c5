// Counts from the Poisson and binomial distributions by inversion and rejection, for host and device. Every element has
// a stream of its own: counter block `counter` with a running number in the counter's upper half, so that it may draw
// as often as it needs and neither its neighbours nor the order of work matter. Only operations that are rounded alike
// on every machine are used (see philox.h): the same counts everywhere.
#pragma once

#include "kernels/common/philox.h"

namespace dovetail::samplers {

class Stream {
 public:
  DOVETAIL_HD Stream(uint64_t key, uint64_t counter) : key_(key), counter_(counter) {}
  // Whose block of stream 0 is there already; it is drawn from first, by next().
  DOVETAIL_HD Stream(uint64_t key, uint64_t counter, const philox::Words& first)
      : key_(key), counter_(counter), round_(1), left_(2), words_(first) {}
  // (0, 1] in steps of 2^-53.
  DOVETAIL_HD double next() {
    if (left_ == 0) {
      words_ = philox::block(key_, counter_, round_++);
      left_ = 2;
    }
    --left_;
    const uint32_t* w = words_.w + 2 * left_;
    return (philox::exact53(w[0], w[1]) + 1.0) * 0x1p-53;
  }
  // The only number that is drawn.
  DOVETAIL_HD double normal() { return philox::normal64(round_ ? words_ : philox::block(key_, counter_)).even; }

 private:
  uint64_t key_, counter_;
  uint32_t round_ = 0;
  int left_ = 0;
  philox::Words words_{};
};

DOVETAIL_HD double log_(double x) { return philox::log_positive(x); }

// log(1 + x) for x > -1, also where 1 + x loses x's digits.
DOVETAIL_HD double log1p_(double x) {
  const double u = 1.0 + x;
  return u == 1.0 ? x : log_(u) * (x / (u - 1.0));
}

// What Stirling's formula for log k! leaves out: log k! = log(sqrt(2 pi)) + (k + 1/2) log(k + 1) - (k + 1) + this.
DOVETAIL_HD double stirling_rest(double k) {
  constexpr double kSmall[10] = {0.0810614667953272,  0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
                                 0.0166446911898211,  0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
                                 0.00925546218271273, 0.00833056343336287};
  if (k < 10) return kSmall[static_cast<int>(k)];
  const double s = 1.0 / (k + 1.0), z = s * s;
  return (1.0 / 12 - (1.0 / 360 - z / 1260) * z) * s;
}

DOVETAIL_HD double log_factorial(double k) {
  return 0.91893853320467274178 + (k + 0.5) * log_(k + 1.0) - (k + 1.0) + stirling_rest(k);
}

// From here on a count's distribution is a normal one, within what a double tells apart.
constexpr double kHuge = 1e10;

// e^-x for 0 <= x < 20: e^r of what is left of multiples of log 2, by its series.
DOVETAIL_HD double exp_minus(double x) {
  const double n = floor(x * 1.4426950408889634 + 0.5);
  const double r = (n * 6.93147180369123816490e-01 - x) + n * 1.90821492927058770002e-10;
  constexpr double kTerms[14] = {
      1.0,        1.0,         1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
      1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  const double square = r * r;
  double even = kTerms[12], odd = kTerms[13];
  for (int k = 10; k >= 0; k -= 2) {
    even = even * square + kTerms[k];
    odd = odd * square + kTerms[k + 1];
  }
  return (even + r * odd) *
         philox::bit_cast<double>(static_cast<int64_t>(1023 - static_cast<int32_t>(n)) * (int64_t{1} << 52));
}

constexpr double kMostByInversion = 120;  // a count that is never reached with a mean below 10

// The first count whose cumulative probability reaches a uniform number.
DOVETAIL_HD double poisson_by_inversion(double rate, Stream& stream) {
  double left = stream.next(), chance = exp_minus(rate), count = 0;
  for (; left > chance && count < kMostByInversion; chance *= rate / count) {
    left -= chance;
    count += 1;
  }
  return count;
}

// W. Hörmann, "The transformed rejection method for generating Poisson random variables", 1993: PTRS.
DOVETAIL_HD double poisson_by_rejection(double rate, Stream& stream) {
  const double root = sqrt(rate), log_rate = log_(rate);
  const double b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), inside = 0.9277 - 3.6224 / (b - 2.0);
  for (;;) {
    const double u = stream.next() - 0.5, v = stream.next(), edge = 0.5 - (u < 0 ? -u : u);
    if (edge <= 0) continue;
    const double k = floor((2.0 * a / edge + b) * u + rate + 0.43);
    if (edge >= 0.07 && v <= inside) return k;
    if (k < 0 || (edge < 0.013 && v > edge)) continue;
    if (log_(v * inverse_alpha / (a / (edge * edge) + b)) <= k * log_rate - rate - log_factorial(k)) return k;
  }
}

// NaN where there is no such distribution.
DOVETAIL_HD double poisson(double rate, Stream stream) {
  if (!(rate >= 0)) return NAN;
  if (rate == 0) return 0;
  if (rate == INFINITY) return rate;
  if (rate < 10) return poisson_by_inversion(rate, stream);
  if (rate < kHuge) return poisson_by_rejection(rate, stream);
  return floor(rate + sqrt(rate) * stream.normal() + 0.5);
}

// p <= 1/2 and n p < 10.
DOVETAIL_HD double binomial_by_inversion(double n, double p, Stream& stream) {
  const double odds = p / (1.0 - p);
  double left = stream.next(), chance = exp_minus(-n * log1p_(-p)), count = 0;
  for (; left > chance && count < n && count < kMostByInversion; chance *= odds * (n - count + 1.0) / count) {
    left -= chance;
    count += 1;
  }
  return count;
}

// W. Hörmann, "The generation of binomial random variates", 1993: BTRS. p <= 1/2.
DOVETAIL_HD double binomial_by_rejection(double n, double p, Stream& stream) {
  const double deviation = sqrt(n * p * (1.0 - p)), b = 1.15 + 2.53 * deviation, a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double centre = n * p + 0.5, inside = 0.92 - 4.2 / b, odds = p / (1.0 - p);
  const double alpha = (2.83 + 5.1 / b) * deviation, mode = floor((n + 1.0) * p);
  for (;;) {
    const double u = stream.next() - 0.5, edge = 0.5 - (u < 0 ? -u : u);
    double v = stream.next();
    if (edge <= 0) continue;
    const double k = floor((2.0 * a / edge + b) * u + centre);
    if (edge >= 0.07 && v <= inside) return k;
    if (k < 0 || k > n) continue;
    v = log_(v * alpha / (a / (edge * edge) + b));
    const double bound = (mode + 0.5) * log_((mode + 1.0) / (odds * (n - mode + 1.0))) +
                         (n + 1.0) * log1p_((k - mode) / (n - k + 1.0)) +
                         (k + 0.5) * log_(odds * (n - k + 1.0) / (k + 1.0)) + stirling_rest(mode) +
                         stirling_rest(n - mode) - stirling_rest(k) - stirling_rest(n - k);
    if (v <= bound) return k;
  }
}

// NaN where there is no such distribution. Of a count only the whole part matters.
DOVETAIL_HD double binomial(double n, double p, Stream stream) {
  if (!(n >= 0) || !(p >= 0 && p <= 1)) return NAN;
  n = floor(n);
  if (n == 0 || p == 0) return 0;
  if (p == 1 || n == INFINITY) return n;
  const double q = p <= 0.5 ? p : 1.0 - p;
  double count;
  if (n * q < 10) {
    count = binomial_by_inversion(n, q, stream);
  } else if (n * q < kHuge) {
    count = binomial_by_rejection(n, q, stream);
  } else {
    count = floor(n * q + sqrt(n * q * (1.0 - q)) * stream.normal() + 0.5);
    count = count < 0 ? 0 : count > n ? n : count;
  }
  return p <= 0.5 ? count : n - count;
}

}  // namespace dovetail::samplers

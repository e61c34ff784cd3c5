// Airy's function: waves to the left of -4, decay to the right, series between (DLMF 9.7).
#include "kernels/cpu/special.h"
#include "kernels/cpu/special_tables.h"

namespace dovetail::cpu {

namespace {

constexpr double kInvSqrtPi = 0.56418958354775628695, kSqrtHalf = 0.70710678118654752440;
constexpr double kDecayFrom = 1.8856180831641267, kWavesFrom = 5.333333333333333;  // 2/3 x^(3/2) at x = 2 and x = 4
constexpr double kFarthest = -1e200;                                               // (-x)^(3/2) is a number

// 2/3 x^(3/2) as a double and its rounding error, since its cosine or exponential is taken.
struct Angle {
  double high, low;
};
Angle angle_of(double x) {
  const double root = std::sqrt(x), root_low = std::fma(-root, root, x) / (2 * root);
  const double product = x * root, product_low = std::fma(x, root, -product) + x * root_low;
  constexpr double kTwoThirds = 0.66666666666666663, kTwoThirdsLow = 3.7007434154171886e-17;
  const double high = product * kTwoThirds;
  return {high, std::fma(product, kTwoThirds, -high) + product * kTwoThirdsLow + product_low * kTwoThirds};
}

// The sine and cosine of an angle + pi/4.
struct Waves {
  double sine, cosine;
};
Waves waves_of(const Angle& z) {
  const double s = std::sin(z.high), c = std::cos(z.high);
  const double sine = s + c * z.low, cosine = c - s * z.low;
  return {kSqrtHalf * (sine + cosine), kSqrtHalf * (cosine - sine)};
}

double even_place(double z) { return 2 * (kWavesFrom / z) * (kWavesFrom / z) - 1; }

}  // namespace

double airy_ai(double x) {
  if (std::isinf(x) || x < kFarthest) return 0;
  if (x < -4) {
    const Angle z = angle_of(-x);
    const Waves w = waves_of(z);
    const double even = series(kAiryEven, even_place(z.high)), odd = series(kAiryOdd, even_place(z.high)) / z.high;
    return kInvSqrtPi / std::sqrt(std::sqrt(-x)) * (even * w.sine - odd * w.cosine);
  }
  if (x <= 0) return series(kAiryLeft, x / 2 + 1);
  if (x < 2) return std::exp(-x) * series(kAiryRight, x - 1);
  if (x > 1e4) return 0;
  const Angle z = angle_of(x);
  return 0.5 * kInvSqrtPi / std::sqrt(std::sqrt(x)) * exp_of(-z.high, -z.low) *
         series(kAiryDecay, 2 * (kDecayFrom / z.high) - 1);
}

double airy_ai_slope(double x) {
  if (std::isinf(x) || x < kFarthest) return x > 0 ? 0 : kNan;  // its waves grow
  if (x < -4) {
    const Angle z = angle_of(-x);
    const Waves w = waves_of(z);
    const double even = series(kAirySlopeEven, even_place(z.high));
    const double odd = series(kAirySlopeOdd, even_place(z.high)) / z.high;
    return -kInvSqrtPi * std::sqrt(std::sqrt(-x)) * (even * w.cosine + odd * w.sine);
  }
  if (x <= 0) return series(kAirySlopeLeft, x / 2 + 1);
  if (x < 2) return std::exp(-x) * series(kAirySlopeRight, x - 1);
  if (x > 1e4) return 0;
  const Angle z = angle_of(x);
  return -0.5 * kInvSqrtPi * std::sqrt(std::sqrt(x)) * exp_of(-z.high, -z.low) *
         series(kAirySlopeDecay, 2 * (kDecayFrom / z.high) - 1);
}

}  // namespace dovetail::cpu

// exp as a scalar function that loops over it vectorise, for the kernels that sum what they exponentiate.
#pragma once

#include <cstring>

#include "kernels/cpu/index_common.h"

namespace dovetail::cpu {

template <class To, class From>
DOVETAIL_INLINE To bits_as(From from) {
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// e^x for x <= 0, within 1 ulp; 0 where the result would be below the smallest normal number. NaN gives NaN.
// x = k ln 2 + r: adding 1.5 * 2^23 leaves k in the low bits of the sum.
DOVETAIL_INLINE float exp_nonpositive(float x) {
  const float shifted = x * 1.44269504f + 0x1.8p23f, k = shifted - 0x1.8p23f;
  const float r = (x - k * 0x1.62e4p-1f) - k * 0x1.7f7d1cp-20f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const float scale = bits_as<float>((bits_as<uint32_t>(shifted) + 127u) << 23);
  return x < -87.3f ? 0.0f : p * scale;
}

DOVETAIL_INLINE double exp_nonpositive(double x) {
  const double shifted = x * 1.4426950408889634 + 0x1.8p52, k = shifted - 0x1.8p52;
  const double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
  double p = 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * (r * r) + r + 1.0;
  const double scale = bits_as<double>((bits_as<uint64_t>(shifted) + 1023u) << 52);
  return x < -708.0 ? 0.0 : p * scale;
}

}  // namespace dovetail::cpu

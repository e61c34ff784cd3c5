// Counter-based random numbers, shared by the CPU and CUDA: Philox4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", 2011) and what is made of its words. Everything is pure in (key, counter), so any element can be
// computed anywhere. The normals use only operations that are rounded alike on every machine, and must be compiled
// without contraction (-ffp-contract=off, -fmad=false).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/common/host_device.h"

namespace dovetail::philox {

constexpr uint32_t kMultiplier0 = 0xD2511F53u, kMultiplier1 = 0xCD9E8D57u;
constexpr uint32_t kWeyl0 = 0x9E3779B9u, kWeyl1 = 0xBB67AE85u;

struct Words {
  uint32_t w[4];
};

// `stream` is the upper half of the counter: 0 for all that needs a known number of blocks.
DOVETAIL_HD Words block(uint64_t key, uint64_t counter, uint32_t stream = 0) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  uint32_t c0 = static_cast<uint32_t>(counter), c1 = static_cast<uint32_t>(counter >> 32), c2 = stream, c3 = 0;
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{kMultiplier0} * c0, p1 = uint64_t{kMultiplier1} * c2;
    const uint32_t next0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0, next2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    c0 = next0;
    c2 = next2;
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return {{c0, c1, c2, c3}};
}

// ---- uniforms ----------------------------------------------------------------------------------------------

// [0, 1) in steps of 2^-24.
DOVETAIL_HD float uniform32(uint32_t word) { return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f; }

// 53 random bits of two words.
DOVETAIL_HD int64_t bits53(uint32_t w0, uint32_t w1) {
  return static_cast<int64_t>(w0 >> 5) << 26 | static_cast<int64_t>(w1 >> 6);
}

// The same number without an integer wider than 32 bits being converted: both parts and their sum are exact.
DOVETAIL_HD double exact53(uint32_t w0, uint32_t w1) {
  return static_cast<double>(static_cast<int32_t>(w0 >> 5)) * 0x1p26 +
         static_cast<double>(static_cast<int32_t>(w1 >> 6));
}

// [0, 1) in steps of 2^-53.
DOVETAIL_HD double uniform64(uint32_t w0, uint32_t w1) { return exact53(w0, w1) * 0x1p-53; }

DOVETAIL_HD uint64_t word64(uint32_t w0, uint32_t w1) { return uint64_t{w0} | uint64_t{w1} << 32; }

// ---- the functions that normals need ---------------------------------------------------------------------------

template <class To, class From>
DOVETAIL_HD To bit_cast(From from) {
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// ln(x) for normal positive x. x = 2^e * m with m in [sqrt(1/2), sqrt(2)); a polynomial in m - 1.
DOVETAIL_HD float log_positive(float x) {
  const int32_t bits = bit_cast<int32_t>(x);
  const int32_t e = (bits - 0x3f3504f3) >> 23;
  const float f = bit_cast<float>(bits - e * (1 << 23)) - 1.0f, z = f * f, n = static_cast<float>(e);
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  float y = f * z * p;
  y = y + n * -2.12194440e-4f;
  y = y - 0.5f * z;
  return (f + y) + n * 0.693359375f;
}

// The same in double, by s = f / (2 + f) and a series in s^2.
DOVETAIL_HD double log_positive(double x) {
  const int64_t bits = bit_cast<int64_t>(x);
  const int32_t high = static_cast<int32_t>(bits >> 32);
  const int32_t e = (high - 0x3fe6a09e) >> 20;
  const double f = bit_cast<double>(bits - (static_cast<int64_t>(e) * (int64_t{1} << 52))) - 1.0, n = e;
  const double s = f / (2.0 + f), z = s * s;
  double p = 1.479819860511658591e-1;
  p = p * z + 1.531383769920937332e-1;
  p = p * z + 1.818357216161805012e-1;
  p = p * z + 2.222219843214978396e-1;
  p = p * z + 2.857142874366239149e-1;
  p = p * z + 3.999999999940941908e-1;
  p = p * z + 6.666666666666735130e-1;
  const double r = p * z, half = 0.5 * f * f;
  return n * 6.93147180369123816490e-01 - ((half - (s * (half + r) + n * 1.90821492927058770002e-10)) - f);
}

template <class T>
struct SinCos {
  T sin, cos;
};

// Sine and cosine of 2 pi u for u in [0, 1): the nearest quarter turn is taken off exactly.
DOVETAIL_HD SinCos<float> sincos_turn(float u) {
  const int32_t quarter = static_cast<int32_t>(u * 4.0f + 0.5f);
  const float a = (u - static_cast<float>(quarter) * 0.25f) * 6.283185307179586f, z = a * a;
  float s = -1.9515295891e-4f;
  s = s * z + 8.3321608736e-3f;
  s = s * z - 1.6666654611e-1f;
  s = s * z * a + a;
  float c = 2.443315711809948e-5f;
  c = c * z - 1.388731625493765e-3f;
  c = c * z + 4.166664568298827e-2f;
  c = c * z * z - 0.5f * z + 1.0f;
  const bool odd = quarter & 1;
  const float sine = odd ? c : s, cosine = odd ? s : c;
  return {quarter & 2 ? -sine : sine, (quarter + 1) & 2 ? -cosine : cosine};
}

DOVETAIL_HD SinCos<double> sincos_turn(double u) {
  const int32_t quarter = static_cast<int32_t>(u * 4.0 + 0.5);
  const double a = (u - static_cast<double>(quarter) * 0.25) * 6.283185307179586476925, z = a * a;
  double s = 1.58962301576546568060e-10;
  s = s * z - 2.50507477628578072866e-8;
  s = s * z + 2.75573136213857245213e-6;
  s = s * z - 1.98412698295895385996e-4;
  s = s * z + 8.33333333332211858878e-3;
  s = s * z - 1.66666666666666307295e-1;
  s = s * z * a + a;
  double c = -1.13585365213876817300e-11;
  c = c * z + 2.08757008419747316778e-9;
  c = c * z - 2.75573141792967388112e-7;
  c = c * z + 2.48015872888517045348e-5;
  c = c * z - 1.38888888888730564116e-3;
  c = c * z + 4.16666666666665929218e-2;
  c = c * z * z - 0.5 * z + 1.0;
  const bool odd = quarter & 1;
  const double sine = odd ? c : s, cosine = odd ? s : c;
  return {quarter & 2 ? -sine : sine, (quarter + 1) & 2 ? -cosine : cosine};
}

// ---- normals ---------------------------------------------------------------------------------------------------

template <class T>
struct Pair {
  T even, odd;
};

// Box-Muller on two words (float) or four (double).
DOVETAIL_HD Pair<float> normal32(uint32_t w0, uint32_t w1) {
  const float u1 = static_cast<float>(static_cast<int32_t>((w0 >> 8) + 1)) * 0x1p-24f;
  const float r = sqrtf(-2.0f * log_positive(u1));
  const SinCos<float> turn = sincos_turn(uniform32(w1));
  return {r * turn.cos, r * turn.sin};
}

DOVETAIL_HD Pair<double> normal64(const Words& x) {
  const double u1 = (exact53(x.w[0], x.w[1]) + 1.0) * 0x1p-53;
  const double r = sqrt(-2.0 * log_positive(u1));
  const SinCos<double> turn = sincos_turn(uniform64(x.w[2], x.w[3]));
  return {r * turn.cos, r * turn.sin};
}

}  // namespace dovetail::philox

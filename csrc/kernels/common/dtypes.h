// The element types that C++ does not have: 16-bit floats and complex numbers. Plain structs, free of any instruction
// set; what is converted by the block is converted in sixteen.cc.
#pragma once

#include <cstdint>

#include "kernels/common/host_device.h"

namespace dovetail::cpu {

// ---- 16-bit floats ------------------------------------------------------------------------------------------

DOVETAIL_HD uint32_t bits_of(float x) {
  uint32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}
DOVETAIL_HD float float_of(uint32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

// Branches would keep a loop over these from being vectorised: everything is computed, then chosen.

DOVETAIL_HD float half_to_float(uint16_t half) {
  const uint32_t magnitude = uint32_t{half} & 0x7fff, sign = (uint32_t{half} & 0x8000) << 16;
  // Below the exponent's rebias lie zero and the subnormals, which a subtraction normalises; above, infinity and NaN.
  const uint32_t normal = (magnitude << 13) + (magnitude >= 0x7c00 ? 0x70000000u : 0x38000000u);
  const float small = float_of((magnitude << 13) + 0x38800000u) - float_of(0x38800000u);
  return float_of((magnitude < 0x0400 ? bits_of(small) : normal) | sign);
}

// To the nearest, halves to even; a NaN stays one.
DOVETAIL_HD uint16_t float_to_half(float x) {
  const uint32_t bits = bits_of(x), magnitude = bits & 0x7fffffff;
  // Adding 0.5 leaves a subnormal's digits, rounded, in the lowest bits.
  const uint32_t small = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
  const uint32_t normal = (magnitude + 0xc8000fffu + ((magnitude >> 13) & 1)) >> 13;
  const uint32_t large = magnitude > 0x7f800000 ? 0x7e00 | ((magnitude >> 13) & 0x1ff) : 0x7c00;
  const uint32_t half = magnitude >= 0x477ff000 ? large : magnitude < 0x38800000 ? small : normal;
  return static_cast<uint16_t>(half | (bits >> 16 & 0x8000));
}

DOVETAIL_HD float bfloat16_to_float(uint16_t bits) { return float_of(uint32_t{bits} << 16); }

DOVETAIL_HD uint16_t float_to_bfloat16(float x) {
  const uint32_t bits = bits_of(x);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : rounded);
}

// A double as the float from which rounding once more gives what rounding the double once would: where it is inexact,
// towards zero with the last bit set.
DOVETAIL_HD float to_odd(double x) {
  const float nearest = static_cast<float>(x);
  const double back = nearest;
  const bool away = (x < 0 ? -back : back) > (x < 0 ? -x : x);
  const uint32_t bits = bits_of(nearest);
  return back == x || x != x ? nearest : float_of((bits - away) | 1);
}

struct Half {
  uint16_t bits;
  Half() = default;
  DOVETAIL_HD explicit Half(float x) : bits(float_to_half(x)) {}
  DOVETAIL_HD explicit Half(double x) : bits(float_to_half(to_odd(x))) {}
  template <class I>
  DOVETAIL_HD explicit Half(I x) : bits(float_to_half(static_cast<float>(x))) {}
  DOVETAIL_HD operator float() const { return half_to_float(bits); }
};

struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  DOVETAIL_HD explicit BFloat16(float x) : bits(float_to_bfloat16(x)) {}
  DOVETAIL_HD explicit BFloat16(double x) : bits(float_to_bfloat16(to_odd(x))) {}
  template <class I>
  DOVETAIL_HD explicit BFloat16(I x) : bits(float_to_bfloat16(static_cast<float>(x))) {}
  DOVETAIL_HD operator float() const { return bfloat16_to_float(bits); }
};

// ---- complex numbers ----------------------------------------------------------------------------------------

// std::complex would bring its own idea of products with infinities, which costs a call each.
template <class T>
struct Complex {
  T re, im;
  Complex() = default;
  DOVETAIL_HD constexpr Complex(T re, T im = 0) : re(re), im(im) {}
  template <class U>
  DOVETAIL_HD constexpr explicit Complex(Complex<U> z) : re(static_cast<T>(z.re)), im(static_cast<T>(z.im)) {}
};

template <class T>
DOVETAIL_HD constexpr Complex<T> operator+(Complex<T> a, Complex<T> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class T>
DOVETAIL_HD constexpr Complex<T> operator-(Complex<T> a, Complex<T> b) {
  return {a.re - b.re, a.im - b.im};
}
template <class T>
DOVETAIL_HD constexpr Complex<T> operator-(Complex<T> a) {
  return {-a.re, -a.im};
}
template <class T>
DOVETAIL_HD constexpr Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
// Smith's way: neither part of the divisor is squared, which could overflow.
template <class T>
DOVETAIL_HD constexpr Complex<T> operator/(Complex<T> a, Complex<T> b) {
  const T re = b.re < 0 ? -b.re : b.re, im = b.im < 0 ? -b.im : b.im;
  if (re >= im) {
    if (re == 0 && im == 0) return {a.re / re, a.im / re};
    const T ratio = b.im / b.re, scale = b.re + b.im * ratio;
    return {(a.re + a.im * ratio) / scale, (a.im - a.re * ratio) / scale};
  }
  const T ratio = b.re / b.im, scale = b.re * ratio + b.im;
  return {(a.re * ratio + a.im) / scale, (a.im * ratio - a.re) / scale};
}
template <class T>
DOVETAIL_HD constexpr bool operator==(Complex<T> a, Complex<T> b) {
  return (a.re == b.re) & (a.im == b.im);
}
template <class T>
DOVETAIL_HD constexpr bool operator!=(Complex<T> a, Complex<T> b) {
  return (a.re != b.re) | (a.im != b.im);
}

// ---- lists --------------------------------------------------------------------------------------------------
// X(type, dtype) for every dtype of a kind. The common ones are compiled for every instruction set where it is worth
// it, the rare ones for the base alone.

#define DOVETAIL_FLOATS(X) X(float, DT_FLOAT32) X(double, DT_FLOAT64)
#define DOVETAIL_SIXTEENS(X) X(::dovetail::cpu::Half, DT_FLOAT16) X(::dovetail::cpu::BFloat16, DT_BFLOAT16)
#define DOVETAIL_COMMON_INTS(X) X(int64_t, DT_INT64) X(int32_t, DT_INT32) X(uint8_t, DT_UINT8)
#define DOVETAIL_RARE_INTS(X) \
  X(int8_t, DT_INT8) X(int16_t, DT_INT16) X(uint16_t, DT_UINT16) X(uint32_t, DT_UINT32) X(uint64_t, DT_UINT64)
#define DOVETAIL_INTS(X) DOVETAIL_COMMON_INTS(X) DOVETAIL_RARE_INTS(X)
#define DOVETAIL_COMPLEXES(X) \
  X(::dovetail::cpu::Complex<float>, DT_COMPLEX64) X(::dovetail::cpu::Complex<double>, DT_COMPLEX128)

// What only moves elements knows them by their size.
struct Bits128 {
  uint64_t low, high;
};
// clang-format off
#define DOVETAIL_BY_SIZE(X)                                                                                       \
  X(uint8_t, DT_BOOL) X(uint8_t, DT_UINT8) X(uint8_t, DT_INT8) X(uint16_t, DT_FLOAT16) X(uint16_t, DT_BFLOAT16)   \
  X(uint16_t, DT_INT16) X(uint16_t, DT_UINT16) X(uint32_t, DT_FLOAT32) X(uint32_t, DT_INT32)                      \
  X(uint32_t, DT_UINT32) X(uint64_t, DT_FLOAT64) X(uint64_t, DT_INT64) X(uint64_t, DT_UINT64)                     \
  X(uint64_t, DT_COMPLEX64) X(::dovetail::cpu::Bits128, DT_COMPLEX128)
// clang-format on

}  // namespace dovetail::cpu

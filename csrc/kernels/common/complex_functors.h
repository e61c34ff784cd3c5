// Functors of complex numbers over scalars, for host and device. Functions are computed in double, by the C library on
// the host and by CUDA's C++ library on the device.
#pragma once

#include <cmath>

#include "kernels/common/dtypes.h"

#ifdef __CUDACC__
#include <cuda/std/complex>
#endif

namespace dovetail::functors {

using C = cpu::Complex<double>;

// ---- functions of one number --------------------------------------------------------------------------------

#ifdef __CUDACC__
DOVETAIL_HD ::cuda::std::complex<double> native(C z) { return {z.re, z.im}; }
DOVETAIL_HD C from_native(::cuda::std::complex<double> z) { return {z.real(), z.imag()}; }
#define DOVETAIL_LIBRARY(name) \
  DOVETAIL_HD C c_##name(C z) { return from_native(::cuda::std::name(native(z))); }
DOVETAIL_HD C library_pow(C a, C b) { return from_native(::cuda::std::pow(native(a), native(b))); }
#else
DOVETAIL_HD _Complex double native(C z) {
  _Complex double result;
  __real__ result = z.re;
  __imag__ result = z.im;
  return result;
}
DOVETAIL_HD C from_native(_Complex double z) { return {__real__ z, __imag__ z}; }
#define DOVETAIL_LIBRARY(name) \
  DOVETAIL_HD C c_##name(C z) { return from_native(__builtin_c##name(native(z))); }
DOVETAIL_HD C library_pow(C a, C b) { return from_native(__builtin_cpow(native(a), native(b))); }
#endif
DOVETAIL_LIBRARY(exp)
DOVETAIL_LIBRARY(log)
DOVETAIL_LIBRARY(sqrt)
DOVETAIL_LIBRARY(sin)
DOVETAIL_LIBRARY(cos)
DOVETAIL_LIBRARY(tan)
DOVETAIL_LIBRARY(asin)
DOVETAIL_LIBRARY(acos)
DOVETAIL_LIBRARY(atan)
DOVETAIL_LIBRARY(sinh)
DOVETAIL_LIBRARY(cosh)
DOVETAIL_LIBRARY(tanh)
DOVETAIL_LIBRARY(asinh)
DOVETAIL_LIBRARY(acosh)
DOVETAIL_LIBRARY(atanh)
#undef DOVETAIL_LIBRARY

constexpr double kLn2 = 0.69314718055994530942, kLn10 = 2.30258509299404568402;

DOVETAIL_HD C scaled(C z, double by) { return {z.re * by, z.im * by}; }
DOVETAIL_HD C c_exp2(C z) { return c_exp(scaled(z, kLn2)); }
DOVETAIL_HD C c_log2(C z) { return scaled(c_log(z), 1 / kLn2); }
DOVETAIL_HD C c_log10(C z) { return scaled(c_log(z), 1 / kLn10); }
// e^x cos y - 1 = (e^x - 1) cos y - 2 sin^2(y / 2)
DOVETAIL_HD C c_expm1(C z) {
  const double less = std::expm1(z.re), half = std::sin(z.im / 2);
  return {less * std::cos(z.im) - 2 * half * half, z.im == 0 ? z.im : (less + 1) * std::sin(z.im)};
}
// |1 + z|^2 = 1 + x (2 + x) + y^2
DOVETAIL_HD C c_log1p(C z) {
  if (std::fabs(z.re) > 0.5 || std::fabs(z.im) > 0.5) return c_log({z.re + 1, z.im});
  return {std::log1p(z.re * (2 + z.re) + z.im * z.im) / 2, std::atan2(z.im, 1 + z.re)};
}
DOVETAIL_HD C c_reciprocal(C z) { return C(1) / z; }
DOVETAIL_HD C c_rsqrt(C z) { return C(1) / c_sqrt(z); }
DOVETAIL_HD C c_sigmoid(C z) {  // by the exponential that does not overflow
  if (z.re >= 0) return C(1) / (C(1) + c_exp(-z));
  const C e = c_exp(z);
  return e / (C(1) + e);
}
DOVETAIL_HD C c_silu(C z) { return z * c_sigmoid(z); }
DOVETAIL_HD C c_sgn(C z) {
  const double length = std::hypot(z.re, z.im);
  return length == 0 ? C(0) : C(z.re / length, z.im / length);
}

// X(name) for each: ComplexFunction_<name> is its functor.
// clang-format off
#define DOVETAIL_COMPLEX_FUNCTIONS(X)                                                                           \
  X(exp) X(exp2) X(expm1) X(log) X(log2) X(log10) X(log1p) X(sqrt) X(rsqrt) X(reciprocal) X(sin) X(cos) X(tan)  \
  X(asin) X(acos) X(atan) X(sinh) X(cosh) X(tanh) X(asinh) X(acosh) X(atanh) X(sigmoid) X(silu) X(sgn)
// clang-format on
#define DOVETAIL_FUNCTOR(name)                                        \
  struct ComplexFunction_##name {                                     \
    template <class T>                                                \
    DOVETAIL_HD cpu::Complex<T> operator()(cpu::Complex<T> z) const { \
      return cpu::Complex<T>(c_##name(C(z)));                         \
    }                                                                 \
  };
DOVETAIL_COMPLEX_FUNCTIONS(DOVETAIL_FUNCTOR)
#undef DOVETAIL_FUNCTOR

struct Conj {
  template <class T>
  DOVETAIL_HD cpu::Complex<T> operator()(cpu::Complex<T> z) const {
    return {z.re, -z.im};
  }
};
struct Modulus {
  template <class T>
  DOVETAIL_HD T operator()(cpu::Complex<T> z) const {
    return std::hypot(z.re, z.im);
  }
};
struct Angle {
  template <class T>
  DOVETAIL_HD T operator()(cpu::Complex<T> z) const {
    return std::atan2(z.im, z.re);
  }
};
struct PartIsInf {
  template <class T>
  DOVETAIL_HD bool operator()(cpu::Complex<T> z) const {
    return bool(std::isinf(z.re)) | bool(std::isinf(z.im));
  }
};
struct PartsAreFinite {
  template <class T>
  DOVETAIL_HD bool operator()(cpu::Complex<T> z) const {
    return bool(std::isfinite(z.re)) & bool(std::isfinite(z.im));
  }
};

// ---- functions of two ---------------------------------------------------------------------------------------

// Small whole exponents by products, which keeps whole results whole; all else as e^(b log a).
DOVETAIL_HD C c_pow(C a, C b) {
  constexpr double kByProducts = 64;
  if (b.im == 0 && b.re == std::trunc(b.re) && std::fabs(b.re) <= kByProducts) {
    C result(1), factor = a;
    for (int left = static_cast<int>(std::fabs(b.re)); left; left >>= 1, factor = factor * factor)
      if (left & 1) result = result * factor;
    return b.re < 0 ? C(1) / result : result;
  }
  if (a.re == 0 && a.im == 0 && b.re > 0) return C(0);
  return library_pow(a, b);
}
struct ComplexPow {
  template <class T>
  DOVETAIL_HD cpu::Complex<T> operator()(cpu::Complex<T> a, cpu::Complex<T> b) const {
    return cpu::Complex<T>(c_pow(C(a), C(b)));
  }
};
struct Polar {
  template <class T>
  DOVETAIL_HD cpu::Complex<T> operator()(T length, T angle) const {
    return {length * std::cos(angle), length * std::sin(angle)};
  }
};
struct OfParts {
  template <class T>
  DOVETAIL_HD cpu::Complex<T> operator()(T re, T im) const {
    return {re, im};
  }
};

}  // namespace dovetail::functors

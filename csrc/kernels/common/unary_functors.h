// Functors of one argument over scalars, for host and device. T is a compute type: 16-bit floats come as float.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "kernels/common/dtypes.h"
#include "kernels/common/host_device.h"

namespace dovetail::functors {

template <class T>
constexpr bool kIsFloating = std::is_floating_point_v<T>;
template <class T>
constexpr bool kIsComplex = false;
template <class T>
constexpr bool kIsComplex<cpu::Complex<T>> = true;

// ---- every dtype --------------------------------------------------------------------------------------------

struct Neg {
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(uint64_t{0} - static_cast<uint64_t>(x));  // wraps
    else
      return -x;
  }
};
struct Abs {
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    if constexpr (kIsFloating<T>)
      return std::fabs(x);
    else if constexpr (std::is_signed_v<T>)
      return x < 0 ? Neg()(x) : x;
    else
      return x;
  }
};
struct Sign {
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    return static_cast<T>((x > T(0)) - (x < T(0)));
  }
};
struct Square {
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(x));
    else
      return x * x;
  }
};
struct Same {
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    return x;
  }
};
struct Relu {
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    return x <= T(0) ? T(0) : x;  // NaN stays
  }
};
struct BitwiseNot {
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    if constexpr (std::is_same_v<T, bool>)
      return !x;
    else
      return static_cast<T>(~x);
  }
};
struct LogicalNot {
  template <class T>
  DOVETAIL_HD bool operator()(T x) const {
    return x == T(0);
  }
};
struct IsNan {
  template <class T>
  DOVETAIL_HD bool operator()(T x) const {
    return x != x;
  }
};
struct IsInf {
  template <class T>
  DOVETAIL_HD bool operator()(T x) const {
    if constexpr (kIsFloating<T>)
      return x == std::numeric_limits<T>::infinity() || x == -std::numeric_limits<T>::infinity();
    else
      return false;
  }
};
struct IsFinite {
  template <class T>
  DOVETAIL_HD bool operator()(T x) const {
    if constexpr (kIsFloating<T>)
      return std::fabs(x) < std::numeric_limits<T>::infinity();
    else
      return true;
  }
};

// ---- floats: float and double -------------------------------------------------------------------------------

#define DOVETAIL_FLOAT_FUNCTOR(Name, value) \
  struct Name {                             \
    template <class T>                      \
    DOVETAIL_HD T operator()(T x) const {   \
      return value;                         \
    }                                       \
  };
DOVETAIL_FLOAT_FUNCTOR(Floor, std::floor(x))
DOVETAIL_FLOAT_FUNCTOR(Ceil, std::ceil(x))
DOVETAIL_FLOAT_FUNCTOR(Trunc, std::trunc(x))
DOVETAIL_FLOAT_FUNCTOR(Round, std::rint(x))  // halves to even
DOVETAIL_FLOAT_FUNCTOR(Exp, std::exp(x))
DOVETAIL_FLOAT_FUNCTOR(Exp2, std::exp2(x))
DOVETAIL_FLOAT_FUNCTOR(Expm1, std::expm1(x))
DOVETAIL_FLOAT_FUNCTOR(Log, std::log(x))
DOVETAIL_FLOAT_FUNCTOR(Log2, std::log2(x))
DOVETAIL_FLOAT_FUNCTOR(Log10, std::log10(x))
DOVETAIL_FLOAT_FUNCTOR(Log1p, std::log1p(x))
DOVETAIL_FLOAT_FUNCTOR(Sqrt, std::sqrt(x))
DOVETAIL_FLOAT_FUNCTOR(Rsqrt, T(1) / std::sqrt(x))
DOVETAIL_FLOAT_FUNCTOR(Reciprocal, T(1) / x)
DOVETAIL_FLOAT_FUNCTOR(Sin, std::sin(x))
DOVETAIL_FLOAT_FUNCTOR(Cos, std::cos(x))
DOVETAIL_FLOAT_FUNCTOR(Tan, std::tan(x))
DOVETAIL_FLOAT_FUNCTOR(Asin, std::asin(x))
DOVETAIL_FLOAT_FUNCTOR(Acos, std::acos(x))
DOVETAIL_FLOAT_FUNCTOR(Atan, std::atan(x))
DOVETAIL_FLOAT_FUNCTOR(Sinh, std::sinh(x))
DOVETAIL_FLOAT_FUNCTOR(Cosh, std::cosh(x))
DOVETAIL_FLOAT_FUNCTOR(Tanh, std::tanh(x))
DOVETAIL_FLOAT_FUNCTOR(Asinh, std::asinh(x))
DOVETAIL_FLOAT_FUNCTOR(Acosh, std::acosh(x))
DOVETAIL_FLOAT_FUNCTOR(Atanh, std::atanh(x))
DOVETAIL_FLOAT_FUNCTOR(Erf, std::erf(x))
DOVETAIL_FLOAT_FUNCTOR(Erfc, std::erfc(x))
DOVETAIL_FLOAT_FUNCTOR(Lgamma, std::lgamma(x))
DOVETAIL_FLOAT_FUNCTOR(Sigmoid, T(1) / (T(1) + std::exp(-x)))
DOVETAIL_FLOAT_FUNCTOR(Silu, x / (T(1) + std::exp(-x)))
#undef DOVETAIL_FLOAT_FUNCTOR

// Winitzki's estimate, good to 2e-3, then Halley's steps on erf (on erfc near 1, where 1 - a is exact and erf has no
// digits left), each of which triples the correct digits.
struct Erfinv {
  template <class T>
  DOVETAIL_HD T operator()(T value) const {
    const double y = value, a = std::fabs(y);
    using Limits = std::numeric_limits<double>;
    if (!(a < 1)) return static_cast<T>(a == 1 ? y * Limits::infinity() : Limits::quiet_NaN());
    const double l = std::log1p(-a * a), t = 4.3307467508 + l / 2;
    double x = std::sqrt(std::sqrt(t * t - l * 6.8027210884) - t);
    if (a < 1e-4) x = a * 0.88622692545275801;
    for (int i = 0; i < 3; ++i) {
      const double wrong = a <= 0.5 ? std::erf(x) - a : (1 - a) - std::erfc(x);
      const double newton = wrong / (1.1283791670955126 * std::exp(-x * x));
      x -= newton / (1 + x * newton);
    }
    return static_cast<T>(y < 0 ? -x : x);
  }
};

// round(x * ten) / ten, or with a negative count of decimals round(x / ten) * ten.
struct RoundDecimals {
  double ten;
  bool before_point;
  template <class T>
  DOVETAIL_HD T operator()(T x) const {
    const T by = static_cast<T>(ten);
    return before_point ? std::rint(x / by) * by : std::rint(x * by) / by;
  }
};

}  // namespace dovetail::functors

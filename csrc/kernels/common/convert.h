// The conversion of one element to another dtype, for host and device.
#pragma once

#include "kernels/common/unary_functors.h"

namespace dovetail::functors {

// What an element computes in: 16-bit floats in float.
template <class T>
struct ComputeType {
  using type = T;
};
template <>
struct ComputeType<cpu::Half> {
  using type = float;
};
template <>
struct ComputeType<cpu::BFloat16> {
  using type = float;
};
template <class T>
using Compute = typename ComputeType<T>::type;

// Floats lose their fractions. What int32 and int64 can't hold becomes the least one; narrower and unsigned ones keep
// the low bits of the whole number. Integers wrap. A real number is a complex one's real part.
template <class I, class F>
DOVETAIL_HD I truncated(F x) {
  constexpr F kEnd = sizeof(I) == 4 ? F(0x1p31) : F(0x1p63);
  const bool fits = (x >= -kEnd) & (x < kEnd);
  return fits ? static_cast<I>(x) : I(1) << (8 * sizeof(I) - 2) << 1;
}

template <class To, class From>
DOVETAIL_HD To convert(From x) {
  if constexpr (std::is_same_v<To, From>) {
    return x;
  } else if constexpr (!std::is_same_v<Compute<From>, From>) {
    return convert<To>(static_cast<float>(x));
  } else if constexpr (kIsComplex<From>) {
    if constexpr (kIsComplex<To>)
      return To(x);
    else if constexpr (std::is_same_v<To, bool>)
      return x != From(0);
    else
      return convert<To>(x.re);
  } else if constexpr (kIsComplex<To>) {
    return To(convert<decltype(To::re)>(x));
  } else if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (kIsFloating<From> && std::is_integral_v<To>) {
    if constexpr (sizeof(To) >= 4 && std::is_signed_v<To>) {
      return truncated<To>(x);
    } else if constexpr (sizeof(To) == 8) {
      const bool high = x >= From(0x1p63) && x < From(0x1p64);
      return static_cast<To>(truncated<int64_t>(high ? x - From(0x1p63) : x)) ^ static_cast<To>(high) << 63;
    } else {
      return static_cast<To>(truncated<int64_t>(x));
    }
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace dovetail::functors

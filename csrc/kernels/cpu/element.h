// Elements by dtype: which C++ type stores them, how they wrap around, how a number among the attributes becomes one.
#pragma once

#include <cstdint>
#include <type_traits>

#include "dovetail/abi.h"
#include "kernels/common/dtypes.h"

namespace dovetail::cpu {

// Calls f with a value of the C++ type that stores this dtype; bool is uint8. False for the dtypes that C++ has no type
// for: 16-bit floats and complex numbers.
template <class F>
bool visit_dtype(int32_t dtype, F&& f) {
  switch (dtype) {
#define DOVETAIL_CASE(type, name) \
  case name:                      \
    f(type{});                    \
    return true;
    DOVETAIL_FLOATS(DOVETAIL_CASE)
    DOVETAIL_INTS(DOVETAIL_CASE)
    DOVETAIL_CASE(uint8_t, DT_BOOL)
#undef DOVETAIL_CASE
    default:
      return false;
  }
}

// The unsigned type of this many bytes.
template <int kBytes>
using UintOf = std::conditional_t<
    kBytes == 16, Bits128,
    std::conditional_t<kBytes == 8, uint64_t,
                       std::conditional_t<kBytes == 4, uint32_t, std::conditional_t<kBytes == 2, uint16_t, uint8_t>>>>;

// The number itself; an integer without its sign and as wide as C++ computes, so that sums and products wrap around.
template <class T>
inline __attribute__((always_inline)) auto modular(T x) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>>(x);
  else
    return x;
}

// Those dtypes: the rows that a kernel for any of them is registered under.
#define DOVETAIL_NAME(type, name) name,
constexpr int32_t kDTypes[] = {DOVETAIL_FLOATS(DOVETAIL_NAME) DOVETAIL_INTS(DOVETAIL_NAME) DT_BOOL};
#undef DOVETAIL_NAME

// Floats by type, integers as the unsigned one of their size: for arithmetic that wraps around, which it may do only
// without a sign. Bool is left out.
template <class F>
void visit_modular(F&& f) {
  f(float{}, DT_FLOAT32);
  f(double{}, DT_FLOAT64);
  for (int32_t dtype : {DT_INT8, DT_UINT8}) f(uint8_t{}, dtype);
  for (int32_t dtype : {DT_INT16, DT_UINT16}) f(uint16_t{}, dtype);
  for (int32_t dtype : {DT_INT32, DT_UINT32}) f(uint32_t{}, dtype);
  for (int32_t dtype : {DT_INT64, DT_UINT64}) f(uint64_t{}, dtype);
}

template <class T>
struct RealPart {
  using type = T;
};
template <class T>
struct RealPart<Complex<T>> {
  using type = T;
};
template <class T>
using RealOf = typename RealPart<T>::type;  // the type of a complex number's parts, or the type itself

template <class T>
constexpr bool is_complex_type = false;
template <class T>
constexpr bool is_complex_type<Complex<T>> = true;

inline double as_double(const dt_value& v) {
  return v.tag == DT_FLOAT ? v.as.f : v.tag == DT_COMPLEX ? v.as.complex.re : static_cast<double>(v.as.i);
}

// A number among the attributes as an element. Numbers too large for an integer type wrap around.
template <class T>
T as_element(const dt_value& v) {
  if constexpr (is_complex_type<T>) {
    using R = decltype(T::re);
    if (v.tag == DT_COMPLEX) return {static_cast<R>(v.as.complex.re), static_cast<R>(v.as.complex.im)};
    return static_cast<R>(as_double(v));
  } else {
    if (v.tag == DT_FLOAT) return static_cast<T>(v.as.f);
    return v.tag == DT_COMPLEX ? static_cast<T>(v.as.complex.re) : static_cast<T>(v.as.i);
  }
}

}  // namespace dovetail::cpu

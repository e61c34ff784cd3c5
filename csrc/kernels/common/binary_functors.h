// Functors of two and three arguments over scalars, for host and device. T is a compute type: 16-bit floats come as
// float.
#pragma once

#include "kernels/common/unary_functors.h"

namespace dovetail::functors {

// ---- arithmetic: integers wrap ------------------------------------------------------------------------------

#define DOVETAIL_ARITHMETIC(Name, op)                                                \
  struct Name {                                                                      \
    template <class T>                                                               \
    DOVETAIL_HD T operator()(T a, T b) const {                                       \
      if constexpr (std::is_integral_v<T>)                                           \
        return static_cast<T>(static_cast<uint64_t>(a) op static_cast<uint64_t>(b)); \
      else                                                                           \
        return a op b;                                                               \
    }                                                                                \
  };
DOVETAIL_ARITHMETIC(Add, +)
DOVETAIL_ARITHMETIC(Sub, -)
DOVETAIL_ARITHMETIC(Mul, *)
#undef DOVETAIL_ARITHMETIC

struct Div {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return a / b;
  }
};
// A real factor scales each part of a complex number: as a product it would make NaN of infinity.
template <class T>
DOVETAIL_HD T times(T alpha, T b) {
  if constexpr (kIsComplex<T>) {
    if (alpha.im == 0) return T(alpha.re * b.re, alpha.re * b.im);
  }
  return Mul()(alpha, b);
}
template <class T>
struct AddScaled {
  T alpha;
  DOVETAIL_HD T operator()(T a, T b) const { return Add()(a, times(alpha, b)); }
};
template <class T>
struct SubScaled {
  T alpha;
  DOVETAIL_HD T operator()(T a, T b) const { return Sub()(a, times(alpha, b)); }
};
// Where either is NaN, that is the result.
struct Maximum {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return (a > b) | (a != a) ? a : b;
  }
};
struct Minimum {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return (a < b) | (a != a) ? a : b;
  }
};

// ---- division with rounding ---------------------------------------------------------------------------------

struct Fmod {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return std::fmod(a, b);
  }
};
// As Python has it: of the divisor's sign, a zero too.
struct Remainder {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    const T rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(T(0), b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
  }
};
struct TruncDiv {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return std::trunc(a / b);
  }
};
// floor(a / b) as Python has it: from the remainder, so that the quotient's rounding can't lift it over an integer.
struct FloorDiv {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    if (b == 0) return a / b;
    const T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T(0), a / b);
    const T whole = std::floor(quotient);
    return quotient - whole > T(0.5) ? whole + 1 : whole;
  }
};

// Integers. Whoever calls has seen to it that b is not 0; the least one divided by -1 wraps, as its negation does.
template <class T>
DOVETAIL_HD bool is_minus_one(T b) {
  if constexpr (std::is_signed_v<T>)
    return b == T(-1);
  else
    return false;
}
struct TruncQuotient {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return is_minus_one(b) ? Neg()(a) : static_cast<T>(a / b);
  }
};
struct FloorQuotient {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    if (is_minus_one(b)) return Neg()(a);
    const T quotient = static_cast<T>(a / b), rest = static_cast<T>(a % b);
    return static_cast<T>(quotient - (rest != 0 && (rest < 0) != (b < 0)));
  }
};
struct TruncRest {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return is_minus_one(b) ? T(0) : static_cast<T>(a % b);
  }
};
struct FloorRest {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    if (is_minus_one(b)) return 0;
    const T rest = static_cast<T>(a % b);
    return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
  }
};

// ---- powers -------------------------------------------------------------------------------------------------

struct IntegerPow {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    if (b < 0) {  // the whole part of 1 / a^-b
      if (a == 1) return 1;
      if (is_minus_one(a)) return b % 2 ? a : T(1);
      return 0;
    }
    uint64_t result = 1, factor = static_cast<uint64_t>(a);
    for (uint64_t left = static_cast<uint64_t>(b); left; left >>= 1, factor *= factor)
      if (left & 1) result *= factor;
    return static_cast<T>(result);
  }
};
struct Pow {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return b == T(2) ? a * a : std::pow(a, b);
  }
};
struct Atan2 {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    return std::atan2(a, b);
  }
};

// ---- comparisons --------------------------------------------------------------------------------------------

#define DOVETAIL_PREDICATE(Name, value)           \
  struct Name {                                   \
    template <class T>                            \
    DOVETAIL_HD bool operator()(T a, T b) const { \
      return value;                               \
    }                                             \
  };
DOVETAIL_PREDICATE(Eq, a == b)
DOVETAIL_PREDICATE(Ne, a != b)
DOVETAIL_PREDICATE(Lt, a < b)
DOVETAIL_PREDICATE(Le, a <= b)
DOVETAIL_PREDICATE(Gt, a > b)
DOVETAIL_PREDICATE(Ge, a >= b)
DOVETAIL_PREDICATE(LogicalAnd, (a != T(0)) & (b != T(0)))
DOVETAIL_PREDICATE(LogicalOr, (a != T(0)) | (b != T(0)))
DOVETAIL_PREDICATE(LogicalXor, (a != T(0)) != (b != T(0)))
#undef DOVETAIL_PREDICATE

// ---- bits ---------------------------------------------------------------------------------------------------

#define DOVETAIL_BITWISE(Name, op)             \
  struct Name {                                \
    template <class T>                         \
    DOVETAIL_HD T operator()(T a, T b) const { \
      return static_cast<T>(a op b);           \
    }                                          \
  };
DOVETAIL_BITWISE(BitAnd, &)
DOVETAIL_BITWISE(BitOr, |)
DOVETAIL_BITWISE(BitXor, ^)
#undef DOVETAIL_BITWISE

// A shift by the width or more, or by a negative number, shifts everything out: what is left is 0, or a negative
// number's sign to the right.
struct ShiftLeft {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    constexpr uint64_t kWidth = 8 * sizeof(T);
    const uint64_t by = static_cast<uint64_t>(b);
    return by >= kWidth ? T(0) : static_cast<T>(static_cast<uint64_t>(a) << (by & (kWidth - 1)));
  }
};
struct ShiftRight {
  template <class T>
  DOVETAIL_HD T operator()(T a, T b) const {
    constexpr uint64_t kWidth = 8 * sizeof(T);
    const uint64_t by = static_cast<uint64_t>(b);
    if (by < kWidth) return static_cast<T>(a >> by);
    return a < 0 ? static_cast<T>(-1) : T(0);
  }
};

// ---- choices ------------------------------------------------------------------------------------------------

struct Where {
  template <class T>
  DOVETAIL_HD T operator()(bool condition, T a, T b) const {
    return condition ? a : b;
  }
};
// NaN in any of the three is the result; where low is above high, high is.
struct AtLeast {
  template <class T>
  DOVETAIL_HD T operator()(T x, T low) const {
    return (x > low) | (x != x) ? x : low;
  }
};
struct AtMost {
  template <class T>
  DOVETAIL_HD T operator()(T x, T high) const {
    return (x < high) | (x != x) ? x : high;
  }
};
struct Clamp {
  template <class T>
  DOVETAIL_HD T operator()(T x, T low, T high) const {
    return AtMost()(AtLeast()(x, low), high);
  }
};

}  // namespace dovetail::functors

// Kernels of complex numbers, for the base instruction set alone. Functions are computed in double, by the C library
// where it has them.
#include <cmath>

#include "kernels/cpu/families.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_ISA base
#define DOVETAIL_VECTOR_BYTES 16
#include "kernels/cpu/inner.inc"

namespace dovetail::cpu {
namespace {

// ---- functions of one number --------------------------------------------------------------------------------

using C = Complex<double>;

_Complex double native(C z) {
  _Complex double result;
  __real__ result = z.re;
  __imag__ result = z.im;
  return result;
}
C from_native(_Complex double z) { return {__real__ z, __imag__ z}; }

#define DOVETAIL_LIBRARY(name) \
  C c_##name(C z) { return from_native(__builtin_c##name(native(z))); }
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

C scaled(C z, double by) { return {z.re * by, z.im * by}; }
C c_exp2(C z) { return c_exp(scaled(z, kLn2)); }
C c_log2(C z) { return scaled(c_log(z), 1 / kLn2); }
C c_log10(C z) { return scaled(c_log(z), 1 / kLn10); }
// e^x cos y - 1 = (e^x - 1) cos y - 2 sin^2(y / 2)
C c_expm1(C z) {
  const double less = std::expm1(z.re), half = std::sin(z.im / 2);
  return {less * std::cos(z.im) - 2 * half * half, z.im == 0 ? z.im : (less + 1) * std::sin(z.im)};
}
// |1 + z|^2 = 1 + x (2 + x) + y^2
C c_log1p(C z) {
  if (std::fabs(z.re) > 0.5 || std::fabs(z.im) > 0.5) return c_log({z.re + 1, z.im});
  return {std::log1p(z.re * (2 + z.re) + z.im * z.im) / 2, std::atan2(z.im, 1 + z.re)};
}
C c_reciprocal(C z) { return C(1) / z; }
C c_rsqrt(C z) { return C(1) / c_sqrt(z); }
C c_sigmoid(C z) {  // by the exponential that does not overflow
  if (z.re >= 0) return C(1) / (C(1) + c_exp(-z));
  const C e = c_exp(z);
  return e / (C(1) + e);
}
C c_silu(C z) { return z * c_sigmoid(z); }
C c_sgn(C z) {
  const double length = std::hypot(z.re, z.im);
  return length == 0 ? C(0) : C(z.re / length, z.im / length);
}

template <C (*kFn)(C), class T>
struct Through {
  Complex<T> operator()(Complex<T> z) const { return Complex<T>(kFn(C(z))); }
};

template <class T>
struct Neg {
  Complex<T> operator()(Complex<T> z) const { return -z; }
};
template <class T>
struct Square {
  Complex<T> operator()(Complex<T> z) const { return z * z; }
};
template <class T>
struct Conj {
  Complex<T> operator()(Complex<T> z) const { return {z.re, -z.im}; }
};
template <class T>
struct Abs {
  T operator()(Complex<T> z) const { return std::hypot(z.re, z.im); }
};
template <class T>
struct Angle {
  T operator()(Complex<T> z) const { return std::atan2(z.im, z.re); }
};
template <class T>
struct LogicalNot {
  bool operator()(Complex<T> z) const { return z == Complex<T>(0); }
};
template <class T>
struct IsNan {
  bool operator()(Complex<T> z) const { return (z.re != z.re) | (z.im != z.im); }
};
template <class T>
struct IsInf {
  bool operator()(Complex<T> z) const { return std::isinf(z.re) | std::isinf(z.im); }
};
template <class T>
struct IsFinite {
  bool operator()(Complex<T> z) const { return std::isfinite(z.re) & std::isfinite(z.im); }
};

// ---- functions of two ---------------------------------------------------------------------------------------

template <class T>
struct Mul {
  Complex<T> operator()(Complex<T> a, Complex<T> b) const { return a * b; }
};
template <class T>
struct Div {
  Complex<T> operator()(Complex<T> a, Complex<T> b) const { return a / b; }
};
// A real factor scales each part: as a product of complex numbers it would make NaN of infinity.
template <class T>
Complex<T> scaled(Complex<T> alpha, Complex<T> b) {
  return alpha.im == 0 ? Complex<T>{alpha.re * b.re, alpha.re * b.im} : alpha * b;
}
template <class T>
struct AddScaled {
  Complex<T> alpha;
  Complex<T> operator()(Complex<T> a, Complex<T> b) const { return a + scaled(alpha, b); }
};
template <class T>
struct SubScaled {
  Complex<T> alpha;
  Complex<T> operator()(Complex<T> a, Complex<T> b) const { return a - scaled(alpha, b); }
};

// Small whole exponents by products, which keeps whole results whole; all else as e^(b log a).
C c_pow(C a, C b) {
  constexpr double kByProducts = 64;
  if (b.im == 0 && b.re == std::trunc(b.re) && std::fabs(b.re) <= kByProducts) {
    C result(1), factor = a;
    for (int left = static_cast<int>(std::fabs(b.re)); left; left >>= 1, factor = factor * factor)
      if (left & 1) result = result * factor;
    return b.re < 0 ? C(1) / result : result;
  }
  if (a.re == 0 && a.im == 0 && b.re > 0) return C(0);
  return from_native(__builtin_cpow(native(a), native(b)));
}
template <class T>
struct Pow {
  Complex<T> operator()(Complex<T> a, Complex<T> b) const { return Complex<T>(c_pow(C(a), C(b))); }
};

template <class T>
struct Polar {
  Complex<T> operator()(T length, T angle) const { return {length * std::cos(angle), length * std::sin(angle)}; }
};
template <class T>
struct OfParts {
  Complex<T> operator()(T re, T im) const { return {re, im}; }
};

// ---- registration -------------------------------------------------------------------------------------------

template <class F, class R, class A>
const Loop* one(int64_t grain = kCheapGrain) {
  static const Loop loop{base::unary_loop<F, R, A>, grain};
  return &loop;
}
template <class F, class R, class A>
const Loop* two(int64_t grain = kCheapGrain) {
  static const Loop loop{base::binary_loop<F, R, A>, grain};
  return &loop;
}

template <class T>
Complex<T> number(const dt_value& v) {
  if (v.tag == DT_COMPLEX) return {static_cast<T>(v.as.complex.re), static_cast<T>(v.as.complex.im)};
  return v.tag == DT_FLOAT ? Complex<T>(static_cast<T>(v.as.f)) : Complex<T>(static_cast<T>(v.as.i));
}

// add and sub: alpha is the third argument.
template <template <class> class F, class T>
dt_status scaled_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value* args, int32_t n_args) {
  F<T> params{n_args > 2 && args[2].tag != DT_NONE ? number<T>(args[2]) : Complex<T>(1)};
  const Loop* loop = two<F<T>, Complex<T>, Complex<T>>();
  return elementwise<3>(ctx, *loop, {&outs[0], &ins[0], &ins[1]}, &params);
}

template <class T>
void add_functions(KernelTable& table, int32_t dtype) {
  using Z = Complex<T>;
#define DOVETAIL_ADD(name) table.add(#name, dtype, unary_kernel, one<Through<c_##name, T>, Z, Z>(kScalarGrain));
  DOVETAIL_ADD(exp)
  DOVETAIL_ADD(exp2)
  DOVETAIL_ADD(expm1)
  DOVETAIL_ADD(log)
  DOVETAIL_ADD(log2)
  DOVETAIL_ADD(log10)
  DOVETAIL_ADD(log1p)
  DOVETAIL_ADD(sqrt)
  DOVETAIL_ADD(rsqrt)
  DOVETAIL_ADD(reciprocal)
  DOVETAIL_ADD(sin)
  DOVETAIL_ADD(cos)
  DOVETAIL_ADD(tan)
  DOVETAIL_ADD(asin)
  DOVETAIL_ADD(acos)
  DOVETAIL_ADD(atan)
  DOVETAIL_ADD(sinh)
  DOVETAIL_ADD(cosh)
  DOVETAIL_ADD(tanh)
  DOVETAIL_ADD(asinh)
  DOVETAIL_ADD(acosh)
  DOVETAIL_ADD(atanh)
  DOVETAIL_ADD(sigmoid)
  DOVETAIL_ADD(silu)
  DOVETAIL_ADD(sgn)
#undef DOVETAIL_ADD
}

template <class T>
void add_all(KernelTable& table, int32_t dtype, int32_t real) {
  using Z = Complex<T>;
  add_functions<T>(table, dtype);
  table.add("neg", dtype, unary_kernel, one<Neg<T>, Z, Z>());
  table.add("square", dtype, unary_kernel, one<Square<T>, Z, Z>());
  table.add("conj_physical", dtype, unary_kernel, one<Conj<T>, Z, Z>());
  table.add("abs", dtype, unary_kernel, one<Abs<T>, T, Z>());
  table.add("angle", dtype, unary_kernel, one<Angle<T>, T, Z>(kScalarGrain));
  table.add("logical_not", dtype, unary_kernel, one<LogicalNot<T>, bool, Z>());
  table.add("isnan", dtype, unary_kernel, one<IsNan<T>, bool, Z>());
  table.add("isinf", dtype, unary_kernel, one<IsInf<T>, bool, Z>());
  table.add("isfinite", dtype, unary_kernel, one<IsFinite<T>, bool, Z>());
  table.add("add", dtype, scaled_kernel<AddScaled, T>);
  table.add("sub", dtype, scaled_kernel<SubScaled, T>);
  table.add("mul", dtype, binary_kernel, two<Mul<T>, Z, Z>());
  table.add("div", dtype, binary_kernel, two<Div<T>, Z, Z>());
  table.add("pow", dtype, binary_kernel, two<Pow<T>, Z, Z>(kScalarGrain));
  table.add("complex", real, binary_kernel, two<OfParts<T>, Z, T>());
  table.add("polar", real, binary_kernel, two<Polar<T>, Z, T>(kScalarGrain));
}

}  // namespace

void register_complex(KernelTable& table) {
  add_all<float>(table, DT_COMPLEX64, DT_FLOAT32);
  add_all<double>(table, DT_COMPLEX128, DT_FLOAT64);
}

}  // namespace dovetail::cpu

// Kernels of complex numbers, for the base instruction set alone.
#include "kernels/common/binary_functors.h"
#include "kernels/common/complex_functors.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_ISA base
#define DOVETAIL_VECTOR_BYTES 16
#include "kernels/cpu/inner.inc"

namespace dovetail::cpu {
namespace {

namespace f = functors;

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
template <class F, class T>
dt_status scaled_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                        int32_t, const dt_value* args, int32_t n_args) {
  F params{n_args > 2 && args[2].tag != DT_NONE ? number<T>(args[2]) : Complex<T>(1)};
  const Loop* loop = two<F, Complex<T>, Complex<T>>();
  return elementwise<3>(ctx, *loop, {&outs[0], &ins[0], &ins[1]}, &params);
}

template <class T>
void add_all(KernelTable& table, int32_t dtype, int32_t real) {
  using Z = Complex<T>;
#define DOVETAIL_ADD(name) table.add(#name, dtype, unary_kernel, one<f::ComplexFunction_##name, Z, Z>(kScalarGrain));
  DOVETAIL_COMPLEX_FUNCTIONS(DOVETAIL_ADD)
#undef DOVETAIL_ADD
  table.add("neg", dtype, unary_kernel, one<f::Neg, Z, Z>());
  table.add("square", dtype, unary_kernel, one<f::Square, Z, Z>());
  table.add("conj_physical", dtype, unary_kernel, one<f::Conj, Z, Z>());
  table.add("abs", dtype, unary_kernel, one<f::Modulus, T, Z>());
  table.add("angle", dtype, unary_kernel, one<f::Angle, T, Z>(kScalarGrain));
  table.add("logical_not", dtype, unary_kernel, one<f::LogicalNot, bool, Z>());
  table.add("isnan", dtype, unary_kernel, one<f::IsNan, bool, Z>());
  table.add("isinf", dtype, unary_kernel, one<f::PartIsInf, bool, Z>());
  table.add("isfinite", dtype, unary_kernel, one<f::PartsAreFinite, bool, Z>());
  table.add("add", dtype, scaled_kernel<f::AddScaled<Z>, T>);
  table.add("sub", dtype, scaled_kernel<f::SubScaled<Z>, T>);
  table.add("mul", dtype, binary_kernel, two<f::Mul, Z, Z>());
  table.add("div", dtype, binary_kernel, two<f::Div, Z, Z>());
  table.add("pow", dtype, binary_kernel, two<f::ComplexPow, Z, Z>(kScalarGrain));
  table.add("complex", real, binary_kernel, two<f::OfParts, Z, T>());
  table.add("polar", real, binary_kernel, two<f::Polar, Z, T>(kScalarGrain));
}

}  // namespace

void register_complex(KernelTable& table) {
  add_all<float>(table, DT_COMPLEX64, DT_FLOAT32);
  add_all<double>(table, DT_COMPLEX128, DT_FLOAT64);
}

}  // namespace dovetail::cpu

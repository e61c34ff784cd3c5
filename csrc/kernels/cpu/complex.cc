// Kernels of complex numbers: cheap ones for every instruction set (complex.inc), the C library's functions for the
// base alone.
#include <algorithm>

#include "kernels/common/binary_functors.h"
#include "kernels/common/complex_functors.h"
#include "kernels/cpu/families.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS "kernels/cpu/complex.inc"
#include "kernels/cpu/foreach_isa.h"

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

// Powers by a small number, the same for all, are products or a function of their own.
template <class T>
dt_status pow_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value*, int32_t) {
  using Z = Complex<T>;
  const dt_array &out = outs[0], &by = ins[1];
  const bool empty = std::count(out.sizes, out.sizes + out.ndim, 0) > 0;
  if (!empty && std::count(by.strides, by.strides + by.ndim, 0) == by.ndim) {
    const Z exponent = *static_cast<const Z*>(ins[1].data);
    const Loop* loop = nullptr;
    if (exponent == Z(T(0.5)))
      loop = one<f::ComplexFunction_sqrt, Z, Z>(kScalarGrain);
    else if (exponent.im == 0)
      loop = sizeof(T) == 4 ? DOVETAIL_BEST_ISA(power_f32)(exponent.re) : DOVETAIL_BEST_ISA(power_f64)(exponent.re);
    if (loop) return elementwise<2>(ctx, *loop, {&outs[0], &ins[0]});
  }
  return elementwise<3>(ctx, *two<f::ComplexPow, Z, Z>(kScalarGrain), {&outs[0], &ins[0], &ins[1]});
}

template <class T>
void add_all(KernelTable& table, int32_t dtype, int32_t real) {
  using Z = Complex<T>;
#define DOVETAIL_ADD(name) table.add(#name, dtype, unary_kernel, one<f::ComplexFunction_##name, Z, Z>(kScalarGrain));
  DOVETAIL_COMPLEX_FUNCTIONS(DOVETAIL_ADD)
#undef DOVETAIL_ADD
  table.add("neg", dtype, unary_kernel, one<f::Neg, Z, Z>());
  table.add("conj_physical", dtype, unary_kernel, one<f::Conj, Z, Z>());
  table.add("abs", dtype, unary_kernel, one<f::Modulus, T, Z>());
  table.add("logical_not", dtype, unary_kernel, one<f::LogicalNot, bool, Z>());
  table.add("isnan", dtype, unary_kernel, one<f::IsNan, bool, Z>());
  table.add("isinf", dtype, unary_kernel, one<f::PartIsInf, bool, Z>());
  table.add("isfinite", dtype, unary_kernel, one<f::PartsAreFinite, bool, Z>());
  table.add("add", dtype, scaled_kernel<f::AddScaled<Z>, T>);
  table.add("sub", dtype, scaled_kernel<f::SubScaled<Z>, T>);
  table.add("pow", dtype, pow_kernel<T>);
  table.add("complex", real, binary_kernel, two<f::OfParts, Z, T>());
}

}  // namespace

void register_complex(KernelTable& table) {
  add_all<float>(table, DT_COMPLEX64, DT_FLOAT32);
  add_all<double>(table, DT_COMPLEX128, DT_FLOAT64);
  DOVETAIL_BEST_ISA(register_parts)(table);
}

}  // namespace dovetail::cpu

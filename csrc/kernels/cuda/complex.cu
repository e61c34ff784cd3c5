// What complex numbers alone have: their functions, their parts' truths, and how they are made of parts.
#include "kernels/common/complex_functors.h"
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class T>
void add_all(KernelTable& table, int32_t dtype, int32_t real) {
  using Z = cpu::Complex<T>;
#define DOVETAIL_ADD(name) table.add(#name, dtype, unary_kernel<f::ComplexFunction_##name, Z, Z>);
  DOVETAIL_COMPLEX_FUNCTIONS(DOVETAIL_ADD)
#undef DOVETAIL_ADD
  table.add("neg", dtype, unary_kernel<f::Neg, Z, Z>);
  table.add("square", dtype, unary_kernel<f::Square, Z, Z>);
  table.add("conj_physical", dtype, unary_kernel<f::Conj, Z, Z>);
  table.add("abs", dtype, unary_kernel<f::Modulus, T, Z>);
  table.add("angle", dtype, unary_kernel<f::Angle, T, Z>);
  table.add("logical_not", dtype, unary_kernel<f::LogicalNot, bool, Z>);
  table.add("isnan", dtype, unary_kernel<f::IsNan, bool, Z>);
  table.add("isinf", dtype, unary_kernel<f::PartIsInf, bool, Z>);
  table.add("isfinite", dtype, unary_kernel<f::PartsAreFinite, bool, Z>);
  table.add("pow", dtype, binary_kernel<f::ComplexPow, Z, Z>);
  table.add("complex", real, binary_kernel<f::OfParts, Z, T>);
  table.add("polar", real, binary_kernel<f::Polar, Z, T>);
}

}  // namespace

void register_complex(KernelTable& table) {
  add_all<float>(table, DT_COMPLEX64, DT_FLOAT32);
  add_all<double>(table, DT_COMPLEX128, DT_FLOAT64);
}

}  // namespace dovetail::cuda

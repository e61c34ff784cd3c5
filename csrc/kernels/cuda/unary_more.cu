// Trigonometry, error functions and the like on floats.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class T>
void add_all(KernelTable& table, int32_t dtype) {
  table.add("sin", dtype, unary_kernel<f::Sin, T, T>);
  table.add("cos", dtype, unary_kernel<f::Cos, T, T>);
  table.add("tan", dtype, unary_kernel<f::Tan, T, T>);
  table.add("asin", dtype, unary_kernel<f::Asin, T, T>);
  table.add("acos", dtype, unary_kernel<f::Acos, T, T>);
  table.add("atan", dtype, unary_kernel<f::Atan, T, T>);
  table.add("sinh", dtype, unary_kernel<f::Sinh, T, T>);
  table.add("cosh", dtype, unary_kernel<f::Cosh, T, T>);
  table.add("asinh", dtype, unary_kernel<f::Asinh, T, T>);
  table.add("acosh", dtype, unary_kernel<f::Acosh, T, T>);
  table.add("atanh", dtype, unary_kernel<f::Atanh, T, T>);
  table.add("erf", dtype, unary_kernel<f::Erf, T, T>);
  table.add("erfc", dtype, unary_kernel<f::Erfc, T, T>);
  table.add("erfinv", dtype, unary_kernel<f::Erfinv, T, T>);
  table.add("lgamma", dtype, unary_kernel<f::Lgamma, T, T>);
}

#define DOVETAIL_ADD(T, dtype) add_all<T>(table, dtype);

}  // namespace

void register_unary_more(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
}

}  // namespace dovetail::cuda

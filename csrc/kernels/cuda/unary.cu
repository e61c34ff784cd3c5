// Unary ops on floats that every network uses.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class T>
dt_status round_kernel(const Call& call) {
  const int64_t decimals = call.n_args > 1 && call.args[1].tag == DT_INT ? call.args[1].as.i : 0;
  if (decimals == 0) return map<T, T>(call, call.outs[0], call.ins[0], f::Round());
  const f::RoundDecimals rounding{std::pow(10.0, static_cast<double>(decimals < 0 ? -decimals : decimals)),
                                  decimals < 0};
  return map<T, T>(call, call.outs[0], call.ins[0], rounding);
}

template <class T>
void add_all(KernelTable& table, int32_t dtype) {
  table.add("neg", dtype, unary_kernel<f::Neg, T, T>);
  table.add("abs", dtype, unary_kernel<f::Abs, T, T>);
  table.add("sign", dtype, unary_kernel<f::Sign, T, T>);
  table.add("floor", dtype, unary_kernel<f::Floor, T, T>);
  table.add("ceil", dtype, unary_kernel<f::Ceil, T, T>);
  table.add("trunc", dtype, unary_kernel<f::Trunc, T, T>);
  table.add("round", dtype, round_kernel<T>);
  table.add("exp", dtype, unary_kernel<f::Exp, T, T>);
  table.add("exp2", dtype, unary_kernel<f::Exp2, T, T>);
  table.add("expm1", dtype, unary_kernel<f::Expm1, T, T>);
  table.add("log", dtype, unary_kernel<f::Log, T, T>);
  table.add("log2", dtype, unary_kernel<f::Log2, T, T>);
  table.add("log10", dtype, unary_kernel<f::Log10, T, T>);
  table.add("log1p", dtype, unary_kernel<f::Log1p, T, T>);
  table.add("sqrt", dtype, unary_kernel<f::Sqrt, T, T>);
  table.add("rsqrt", dtype, unary_kernel<f::Rsqrt, T, T>);
  table.add("reciprocal", dtype, unary_kernel<f::Reciprocal, T, T>);
  table.add("tanh", dtype, unary_kernel<f::Tanh, T, T>);
  table.add("sigmoid", dtype, unary_kernel<f::Sigmoid, T, T>);
  table.add("silu", dtype, unary_kernel<f::Silu, T, T>);
  table.add("relu", dtype, unary_kernel<f::Relu, T, T>);
  table.add("square", dtype, unary_kernel<f::Square, T, T>);
  table.add("isnan", dtype, unary_kernel<f::IsNan, bool, T>);
  table.add("isinf", dtype, unary_kernel<f::IsInf, bool, T>);
  table.add("isfinite", dtype, unary_kernel<f::IsFinite, bool, T>);
  table.add("logical_not", dtype, unary_kernel<f::LogicalNot, bool, T>);
}

#define DOVETAIL_ADD(T, dtype) add_all<T>(table, dtype);

}  // namespace

void register_unary(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
}

}  // namespace dovetail::cuda

// Unary ops on integers and bool.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

// To so many places before the point, halves to even; places behind it change nothing.
template <class T>
struct RoundInteger {
  T ten;
  DOVETAIL_HD T operator()(T x) const {
    const T rest = functors::FloorRest()(x, ten), down = static_cast<T>(x - rest), half = static_cast<T>(ten - rest);
    const bool up = rest > half || (rest == half && functors::FloorQuotient()(x, ten) % 2 != 0);
    return up ? static_cast<T>(down + ten) : down;
  }
};

struct Zero {
  template <class T>
  DOVETAIL_HD T operator()(T) const {
    return T(0);
  }
};

template <class T>
dt_status round_kernel(const Call& call) {
  const int64_t decimals = call.n_args > 1 && call.args[1].tag == DT_INT ? call.args[1].as.i : 0;
  if (decimals >= 0) return map<T, T>(call, call.outs[0], call.ins[0], f::Same());
  uint64_t ten = 1;
  const uint64_t most = static_cast<uint64_t>(std::numeric_limits<T>::max());
  for (int64_t i = 0; i < -decimals; ++i) {
    if (ten > most / 10) return map<T, T>(call, call.outs[0], call.ins[0], Zero());
    ten *= 10;
  }
  return map<T, T>(call, call.outs[0], call.ins[0], RoundInteger<T>{static_cast<T>(ten)});
}

template <class T>
void add_integer(KernelTable& table, int32_t dtype) {
  table.add("neg", dtype, unary_kernel<f::Neg, T, T>);
  table.add("abs", dtype, unary_kernel<f::Abs, T, T>);
  table.add("sign", dtype, unary_kernel<f::Sign, T, T>);
  table.add("square", dtype, unary_kernel<f::Square, T, T>);
  table.add("relu", dtype, unary_kernel<f::Relu, T, T>);
  for (const char* op : {"floor", "ceil", "trunc"}) table.add(op, dtype, unary_kernel<f::Same, T, T>);
  table.add("round", dtype, round_kernel<T>);
  table.add("bitwise_not", dtype, unary_kernel<f::BitwiseNot, T, T>);
  table.add("isnan", dtype, unary_kernel<f::IsNan, bool, T>);
  table.add("isinf", dtype, unary_kernel<f::IsInf, bool, T>);
  table.add("isfinite", dtype, unary_kernel<f::IsFinite, bool, T>);
  table.add("logical_not", dtype, unary_kernel<f::LogicalNot, bool, T>);
}

#define DOVETAIL_ADD_INTEGER(T, dtype) add_integer<T>(table, dtype);

}  // namespace

void register_exact(KernelTable& table) {
  DOVETAIL_INTS(DOVETAIL_ADD_INTEGER)
  table.add("sign", DT_BOOL, unary_kernel<f::Same, bool, bool>);
  table.add("abs", DT_BOOL, unary_kernel<f::Same, bool, bool>);
  table.add("bitwise_not", DT_BOOL, unary_kernel<f::LogicalNot, bool, bool>);
  table.add("logical_not", DT_BOOL, unary_kernel<f::LogicalNot, bool, bool>);
  table.add("isnan", DT_BOOL, unary_kernel<f::IsNan, bool, bool>);
  table.add("isinf", DT_BOOL, unary_kernel<f::IsInf, bool, bool>);
  table.add("isfinite", DT_BOOL, unary_kernel<f::IsFinite, bool, bool>);
}

}  // namespace dovetail::cuda

// Binary ops on floats, bool and complex numbers.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

// add and sub with alpha, their third argument.
template <class Plain, template <class> class Scaled, class T>
dt_status alpha_kernel(const Call& call) {
  using C = Compute<T>;
  if (call.n_args < 3 || call.args[2].tag == DT_NONE) return binary_kernel<Plain, T, T>(call);
  const C alpha = number<C>(call.args[2]);
  if (alpha == C(1)) return binary_kernel<Plain, T, T>(call);
  return map<T, T, T>(call, call.outs[0], call.ins[0], call.ins[1], Scaled<C>{alpha});
}

// On bool a sum is an or; alpha can make its second term False.
dt_status bool_add(const Call& call) {
  const bool alpha = call.n_args < 3 || call.args[2].tag == DT_NONE || number<bool>(call.args[2]);
  return map<bool, bool, bool>(call, call.outs[0], call.ins[0], alpha ? call.ins[1] : call.ins[0], f::BitOr());
}

template <class T>
dt_status div_kernel(const Call& call) {
  const bool rounds = call.n_args > 2 && call.args[2].tag == DT_STRING;
  if (!rounds) return binary_kernel<f::Div, T, T>(call);
  return call.args[2].as.string[0] == 'f' ? binary_kernel<f::FloorDiv, T, T>(call)
                                          : binary_kernel<f::TruncDiv, T, T>(call);
}

template <class T>
void add_number(KernelTable& table, int32_t dtype) {
  table.add("add", dtype, alpha_kernel<f::Add, f::AddScaled, T>);
  table.add("sub", dtype, alpha_kernel<f::Sub, f::SubScaled, T>);
  table.add("mul", dtype, binary_kernel<f::Mul, T, T>);
}

template <class T>
void add_float(KernelTable& table, int32_t dtype) {
  add_number<T>(table, dtype);
  table.add("div", dtype, div_kernel<T>);
  table.add("floor_divide", dtype, binary_kernel<f::FloorDiv, T, T>);
  table.add("remainder", dtype, binary_kernel<f::Remainder, T, T>);
  table.add("fmod", dtype, binary_kernel<f::Fmod, T, T>);
  table.add("pow", dtype, binary_kernel<f::Pow, T, T>);
  table.add("atan2", dtype, binary_kernel<f::Atan2, T, T>);
  table.add("maximum", dtype, binary_kernel<f::Maximum, T, T>);
  table.add("minimum", dtype, binary_kernel<f::Minimum, T, T>);
}

template <class T>
void add_complex(KernelTable& table, int32_t dtype) {
  add_number<T>(table, dtype);
  table.add("div", dtype, binary_kernel<f::Div, T, T>);
}

#define DOVETAIL_ADD_FLOAT(T, dtype) add_float<T>(table, dtype);
#define DOVETAIL_ADD_COMPLEX(T, dtype) add_complex<T>(table, dtype);

}  // namespace

void register_binary(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD_FLOAT)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_FLOAT)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD_COMPLEX)
  table.add("add", DT_BOOL, bool_add);
  table.add("mul", DT_BOOL, binary_kernel<f::BitAnd, bool, bool>);
  table.add("maximum", DT_BOOL, binary_kernel<f::BitOr, bool, bool>);
  table.add("minimum", DT_BOOL, binary_kernel<f::BitAnd, bool, bool>);
}

}  // namespace dovetail::cuda

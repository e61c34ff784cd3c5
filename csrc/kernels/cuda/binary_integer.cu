// Binary ops on integers.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

template <class Plain, template <class> class Scaled, class T>
dt_status alpha_kernel(const Call& call) {
  const T alpha = call.n_args > 2 && call.args[2].tag != DT_NONE ? number<T>(call.args[2]) : T(1);
  if (alpha == T(1)) return binary_kernel<Plain, T, T>(call);
  return map<T, T, T>(call, call.outs[0], call.ins[0], call.ins[1], Scaled<T>{alpha});
}

// A zero divisor is reported, and the call after this one fails.
template <class F>
struct Checked {
  ErrorSink errors;
  template <class T>
  __device__ T operator()(T a, T b) const {
    if (b == 0) {
      errors.report(Trouble::division, 0, 0, 0);
      return T(0);
    }
    return F()(a, b);
  }
};

template <class F, class T>
dt_status division(const Call& call) {
  return map<T, T, T>(call, call.outs[0], call.ins[0], call.ins[1], Checked<F>{call.errors});
}

template <class T>
dt_status div_kernel(const Call& call) {
  if (call.n_args < 3 || call.args[2].tag != DT_STRING)
    return call.fail(DT_ERR_RUNTIME, "integers are divided as floats; give a rounding_mode or convert them");
  return call.args[2].as.string[0] == 'f' ? division<f::FloorQuotient, T>(call) : division<f::TruncQuotient, T>(call);
}

template <class T>
void add_integer(KernelTable& table, int32_t dtype) {
  table.add("add", dtype, alpha_kernel<f::Add, f::AddScaled, T>);
  table.add("sub", dtype, alpha_kernel<f::Sub, f::SubScaled, T>);
  table.add("mul", dtype, binary_kernel<f::Mul, T, T>);
  table.add("div", dtype, div_kernel<T>);
  table.add("floor_divide", dtype, division<f::FloorQuotient, T>);
  table.add("remainder", dtype, division<f::FloorRest, T>);
  table.add("fmod", dtype, division<f::TruncRest, T>);
  table.add("pow", dtype, binary_kernel<f::IntegerPow, T, T>);
  table.add("maximum", dtype, binary_kernel<f::Maximum, T, T>);
  table.add("minimum", dtype, binary_kernel<f::Minimum, T, T>);
}

#define DOVETAIL_ADD(T, dtype) add_integer<T>(table, dtype);

}  // namespace

void register_binary_integer(KernelTable& table) { DOVETAIL_INTS(DOVETAIL_ADD) }

}  // namespace dovetail::cuda

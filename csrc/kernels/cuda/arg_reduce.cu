// argmax and argmin. The first of equal elements wins, and the first NaN before all.
#include "kernels/cuda/reduce.h"

namespace dovetail::cuda {
namespace {

template <class A>
struct Best {
  A value;
  int64_t index;  // -1: none yet
};

template <class A, bool kLargest>
struct ArgExtreme {
  using Acc = Best<A>;
  DOVETAIL_HD Acc identity() const { return {A(0), -1}; }
  DOVETAIL_HD Acc take(Acc best, A x, int64_t index) const { return merge(best, {x, index}); }
  DOVETAIL_HD Acc merge(Acc a, Acc b) const {
    if (a.index < 0 || b.index < 0) return a.index < 0 ? b : a;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    const bool same = a_nan || a.value == b.value;
    if (same) return a.index < b.index ? a : b;
    return (kLargest ? a.value > b.value : a.value < b.value) ? a : b;
  }
  DOVETAIL_HD int64_t finish(Acc best) const { return best.index; }
};

// (self, dim, keepdim), dims as they are. Without a dim the index is that of the tensor laid out flat.
template <class T, bool kLargest>
dt_status arg_kernel(const Call& call) {
  const dt_array &out = call.outs[0], &in = call.ins[0];
  const bool whole = call.n_args < 2 || call.args[1].tag == DT_NONE || in.ndim == 0;
  const int dim = whole ? -1 : static_cast<int>(call.args[1].as.i);
  ReducePlan plan;
  for (int d = 0, o = 0; d < in.ndim; ++d) {
    const bool kept_out = out.ndim == in.ndim;
    if (whole || d == dim) {
      plan.reduce(in.sizes[d], in.strides[d]);
      o += kept_out;
    } else {
      plan.keep(in.sizes[d], in.strides[d], out.strides[o++]);
    }
  }
  if (plan.each == 0 && plan.results > 0)
    return call.fail(DT_ERR_INDEX,
                     "an empty tensor has no largest or smallest element; reduce a dim that is not empty");
  return reduce<T, int64_t>(call, plan, in.data, out.data, ArgExtreme<Compute<T>, kLargest>());
}

#define DOVETAIL_ADD(T, dtype)                     \
  table.add("argmax", dtype, arg_kernel<T, true>); \
  table.add("argmin", dtype, arg_kernel<T, false>);

}  // namespace

void register_arg_reduce(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_ADD(bool, DT_BOOL)
}

}  // namespace dovetail::cuda

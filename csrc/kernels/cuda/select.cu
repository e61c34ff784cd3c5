// where and clamp.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

// By size alone: a choice does not look at what it chooses.
template <class T>
dt_status where_kernel(const Call& call) {
  return map<T, bool, T, T>(call, call.outs[0], call.ins[0], call.ins[1], call.ins[2], f::Where());
}

template <class T>
dt_status clamp_kernel(const Call& call) {
  const dt_array &out = call.outs[0], &x = call.ins[0], &low = call.ins[1], &high = call.ins[2];
  const bool has_low = low.ndim >= 0, has_high = high.ndim >= 0;
  if (has_low && has_high) return map<T, T, T, T>(call, out, x, low, high, f::Clamp());
  if (has_low) return map<T, T, T>(call, out, x, low, f::AtLeast());
  if (has_high) return map<T, T, T>(call, out, x, high, f::AtMost());
  return call.fail(DT_ERR_VALUE, "at least one of min and max must be given");
}

#define DOVETAIL_ADD_WHERE(T, dtype) table.add("where", dtype, where_kernel<T>);
#define DOVETAIL_ADD_CLAMP(T, dtype) table.add("clamp", dtype, clamp_kernel<T>);

}  // namespace

void register_select(KernelTable& table) {
  DOVETAIL_BY_SIZE(DOVETAIL_ADD_WHERE)
  DOVETAIL_FLOATS(DOVETAIL_ADD_CLAMP)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_CLAMP)
  DOVETAIL_INTS(DOVETAIL_ADD_CLAMP)
}

}  // namespace dovetail::cuda

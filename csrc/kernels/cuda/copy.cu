// copy, between any two dtypes, and the copying that other kernels need.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

namespace f = functors;

// An element of any dtype, read where it is known only as the kernel runs: all threads go the same way.
template <class To>
DOVETAIL_HD To read_as(const void* data, int64_t at, int32_t dtype) {
  switch (dtype) {
#define DOVETAIL_CASE(T, value) \
  case value:                   \
    return convert<To>(static_cast<const T*>(data)[at]);
    DOVETAIL_FLOATS(DOVETAIL_CASE)
    DOVETAIL_SIXTEENS(DOVETAIL_CASE)
    DOVETAIL_INTS(DOVETAIL_CASE)
    DOVETAIL_COMPLEXES(DOVETAIL_CASE)
#undef DOVETAIL_CASE
    default:
      return convert<To>(static_cast<const bool*>(data)[at]);
  }
}

template <class T>
dt_status convert_kernel(const Call& call) {
  const dt_array &out = call.outs[0], &in = call.ins[call.n_ins - 1];
  if (in.dtype == out.dtype) return copy_elements(call, out, in);
  const void* source = in.data;
  const int32_t dtype = in.dtype;
  for_layouts(common_space<2>({&out, &in}), [&](const Layout<2>& layout, const Offsets<2>& base) {
    T* o = static_cast<T*>(out.data) + base.of[0];
    const int64_t first = base.of[1];
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) {
      const Offsets<2> at = layout.at(i);
      o[at.of[0]] = read_as<T>(source, first + at.of[1], dtype);
    });
  });
  return DT_OK;
}

#define DOVETAIL_ADD(T, dtype) table.add("copy", dtype, convert_kernel<T>);

}  // namespace

dt_status copy_elements(const Call& call, const dt_array& to, const dt_array& from) {
  switch (to.dtype) {
#define DOVETAIL_CASE(T, dtype) \
  case dtype:                   \
    return map<T, T>(call, to, from, f::Same());
    DOVETAIL_BY_SIZE(DOVETAIL_CASE)
#undef DOVETAIL_CASE
    default:
      return call.fail(DT_ERR_NOT_IMPLEMENTED, "no copy of elements of this dtype on CUDA");
  }
}

void register_copy(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD)
  DOVETAIL_INTS(DOVETAIL_ADD)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD)
  DOVETAIL_ADD(bool, DT_BOOL)
}

}  // namespace dovetail::cuda

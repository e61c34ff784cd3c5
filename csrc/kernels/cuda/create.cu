// full, fill and arange.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

// Every element of the output is value(), which is asked for on the device.
template <class T, class Value>
dt_status everywhere(const Call& call, Value value) {
  const dt_array& out = call.outs[0];
  for_layouts(common_space<1>({&out}), [&](const Layout<1>& layout, const Offsets<1>& base) {
    T* o = static_cast<T*>(out.data) + base.of[0];
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) { o[layout.at(i).of[0]] = value(); });
  });
  return DT_OK;
}

// full(size, fill_value)
template <class T>
struct Known {
  T value;
  DOVETAIL_DEVICE T operator()() const { return value; }
};
template <class T>
dt_status full_kernel(const Call& call) {
  return everywhere<T>(call, Known<T>{number<T>(call.args[1])});
}

// fill(self, value): value is zero-dim, in the same dtype, and the last input.
template <class T>
struct Read {
  const T* value;
  DOVETAIL_DEVICE T operator()() const { return *value; }
};
template <class T>
dt_status fill_kernel(const Call& call) {
  return everywhere<T>(call, Read<T>{static_cast<const T*>(call.ins[call.n_ins - 1].data)});
}

// arange(start, end, step): element i is start + i * step, each from its index so that errors do not add up.
template <class T>
dt_status arange_kernel(const Call& call) {
  dt_value one{};
  one.tag = DT_INT;
  one.as.i = 1;
  const dt_value& first = call.args[0];
  const dt_value& by = call.n_args > 2 && call.args[2].tag != DT_NONE ? call.args[2] : one;
  T* out = static_cast<T*>(call.outs[0].data);
  const int64_t stride = call.outs[0].strides[0], n = call.outs[0].sizes[0];
  if (std::is_integral_v<T> && !std::is_same_v<T, bool> && first.tag != DT_FLOAT && by.tag != DT_FLOAT) {
    const uint64_t start = static_cast<uint64_t>(first.as.i), step = static_cast<uint64_t>(by.as.i);
    call.for_each(n, [=] DOVETAIL_DEVICE(int64_t i) {
      out[i * stride] = convert<T>(static_cast<int64_t>(start + static_cast<uint64_t>(i) * step));
    });
    return DT_OK;
  }
  const double start = number<double>(first), step = number<double>(by);
  call.for_each(n, [=] DOVETAIL_DEVICE(int64_t i) { out[i * stride] = convert<T>(start + i * step); });
  return DT_OK;
}

#define DOVETAIL_ADD_FULL(T, dtype) table.add("full", dtype, full_kernel<T>);
#define DOVETAIL_ADD_FILL(T, dtype) table.add("fill", dtype, fill_kernel<T>);
#define DOVETAIL_ADD_ARANGE(T, dtype) table.add("arange", dtype, arange_kernel<T>);

}  // namespace

void register_create(KernelTable& table) {
  DOVETAIL_FLOATS(DOVETAIL_ADD_FULL)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_FULL)
  DOVETAIL_INTS(DOVETAIL_ADD_FULL)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD_FULL)
  DOVETAIL_ADD_FULL(bool, DT_BOOL)
  DOVETAIL_BY_SIZE(DOVETAIL_ADD_FILL)
  DOVETAIL_FLOATS(DOVETAIL_ADD_ARANGE)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_ARANGE)
  DOVETAIL_INTS(DOVETAIL_ADD_ARANGE)
  DOVETAIL_ADD_ARANGE(bool, DT_BOOL)
}

}  // namespace dovetail::cuda

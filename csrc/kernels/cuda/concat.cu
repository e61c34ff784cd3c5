// cat and constant_pad_nd: copies into parts of the output.
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

// cat(tensors, dim)
dt_status cat_kernel(const Call& call) {
  const dt_array& out = call.outs[0];
  const int64_t dim = call.args[call.n_args > 1 ? 1 : 0].as.i;
  dt_array part = out;
  char* data = static_cast<char*>(out.data);
  for (int k = 0; k < call.n_ins; ++k) {
    const dt_array& in = call.ins[k];
    if (in.ndim != out.ndim) continue;  // an empty vector may stand among tensors of more dims
    if (in.dtype != out.dtype) return call.fail(DT_ERR_RUNTIME, "the kernel needs tensors of one dtype");
    part.sizes = in.sizes;
    part.data = data;
    const dt_status status = numel(in) ? copy_elements(call, part, in) : DT_OK;
    if (status != DT_OK) return status;
    data += in.sizes[dim] * out.strides[dim] * element_size(out.dtype);
  }
  return DT_OK;
}

// constant_pad_nd(self, pad, value): negative padding takes away.
template <class T>
dt_status pad_kernel(const Call& call) {
  const dt_array &out = call.outs[0], &in = call.ins[0];
  const dt_value& pad = call.args[1];
  const T value = call.n_args > 2 ? number<T>(call.args[2]) : T(0);
  for_layouts(common_space<1>({&out}), [&](const Layout<1>& layout, const Offsets<1>& base) {
    T* o = static_cast<T*>(out.data) + base.of[0];
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) { o[layout.at(i).of[0]] = value; });
  });
  dt_array to = out, from = in;
  int64_t sizes[DT_MAX_DIMS];
  T* to_data = static_cast<T*>(out.data);
  T* from_data = static_cast<T*>(in.data);
  for (int d = 0; d < in.ndim; ++d) {
    const int at = 2 * (in.ndim - 1 - d);
    const int64_t before = at < pad.count ? pad.as.ints[at] : 0, after = at < pad.count ? pad.as.ints[at + 1] : 0;
    const int64_t cut = std::max<int64_t>(-before, 0) + std::max<int64_t>(-after, 0);
    sizes[d] = std::max<int64_t>(in.sizes[d] - cut, 0);
    if (sizes[d] == 0) return DT_OK;
    to_data += std::max<int64_t>(before, 0) * out.strides[d];
    from_data += std::max<int64_t>(-before, 0) * in.strides[d];
  }
  to.data = to_data;
  from.data = from_data;
  to.sizes = from.sizes = sizes;
  return copy_elements(call, to, from);
}

#define DOVETAIL_ADD_CAT(T, dtype) table.add("cat", dtype, cat_kernel);
#define DOVETAIL_ADD_PAD(T, dtype) table.add("constant_pad_nd", dtype, pad_kernel<T>);

}  // namespace

void register_concat(KernelTable& table) {
  DOVETAIL_BY_SIZE(DOVETAIL_ADD_CAT)
  DOVETAIL_FLOATS(DOVETAIL_ADD_PAD)
  DOVETAIL_SIXTEENS(DOVETAIL_ADD_PAD)
  DOVETAIL_INTS(DOVETAIL_ADD_PAD)
  DOVETAIL_COMPLEXES(DOVETAIL_ADD_PAD)
  DOVETAIL_ADD_PAD(bool, DT_BOOL)
}

}  // namespace dovetail::cuda

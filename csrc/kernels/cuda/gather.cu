// gather and index_select, by the size of the elements.
#include "kernels/cuda/lines.h"

namespace dovetail::cuda {
namespace {

// A zero-dim array as one of shape (1,).
struct AtLeastOneDim {
  int64_t one = 1, step = 1;
  dt_array array;
  explicit AtLeastOneDim(const dt_array& a) : array(a) {
    if (a.ndim > 0) return;
    array.ndim = 1;
    array.sizes = &one;
    array.strides = &step;
  }
};

// (self, dim, index): out and self in step, but for the dim, along which self is picked from. In gather the index is in
// step with them too, in index_select it is a vector that lies along the dim.
template <class T, bool kVector>
dt_status pick_kernel(const Call& call) {
  const AtLeastOneDim out(call.outs[0]), self(call.ins[0]), index(call.ins[1]);
  const int dim = static_cast<int>(call.args[1].as.i);
  Space<3> space;
  for (int d = 0; d < out.array.ndim; ++d) {
    const int64_t along = kVector ? (d == dim ? index.array.strides[0] : 0) : index.array.strides[d];
    space.add(out.array.sizes[d], {out.array.strides[d], along, d == dim ? 0 : self.array.strides[d]});
  }
  const int64_t size = self.array.sizes[dim], step = self.array.strides[dim];
  const ErrorSink errors = call.errors;
  for_layouts(space, [&](const Layout<3>& layout, const Offsets<3>& base) {
    T* o = static_cast<T*>(out.array.data) + base.of[0];
    const int64_t* place = static_cast<const int64_t*>(index.array.data) + base.of[1];
    const T* x = static_cast<const T*>(self.array.data) + base.of[2];
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) {
      const Offsets<3> at = layout.at(i);
      const int64_t from = errors.checked(place[at.of[1]], dim, size);
      o[at.of[0]] = size > 0 ? x[at.of[2] + from * step] : T{};
    });
  });
  return DT_OK;
}

#define DOVETAIL_ADD(T, dtype)                       \
  table.add("gather", dtype, pick_kernel<T, false>); \
  table.add("index_select", dtype, pick_kernel<T, true>);

}  // namespace

void register_gather(KernelTable& table) { DOVETAIL_BY_SIZE(DOVETAIL_ADD) }

}  // namespace dovetail::cuda

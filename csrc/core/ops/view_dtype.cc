// The same bytes as elements of another dtype.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

// Where a last dim of neighbouring elements is cut into smaller ones.
Tensor narrower(TensorImpl& self, DType dtype, int64_t parts) {
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  const int last = self.ndim - 1;
  for (int i = 0; i < last; ++i) {
    sizes[i] = self.size(i);
    strides[i] = parts * self.stride(i);
  }
  sizes[last] = parts * self.size(last);
  strides[last] = 1;
  return make_view_as(&self, dtype, self.ndim, sizes, strides, parts * self.offset);
}

// Where neighbours are put together; `parts` of them must begin where a larger element may.
Tensor wider(const Arguments& call, TensorImpl& self, DType dtype, int64_t parts) {
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  const int last = self.ndim - 1;
  const bool empty = self.numel == 0;
  bool fits = self.size(last) % parts == 0 && (empty || self.offset % parts == 0);
  for (int i = 0; i < last; ++i) {
    fits &= empty || self.stride(i) % parts == 0 || self.size(i) <= 1;
    sizes[i] = self.size(i);
    strides[i] = self.stride(i) / parts;
  }
  if (!fits)
    value_error(call.name(), ": shape ", shape_text(self), ", strides ", shape_text(self.ndim, self.strides()),
                " and offset ", self.offset, " must, but for the last stride, be multiples of ", parts, " to view ",
                dtype_name(self.dtype), " as ", dtype_name(dtype));
  sizes[last] = self.size(last) / parts;
  strides[last] = 1;
  return make_view_as(&self, dtype, self.ndim, sizes, strides, self.offset / parts);
}

Tensor view_dtype_view(const Arguments& call) {
  TensorImpl& self = call.tensor(0);
  const DType dtype = static_cast<DType>(call.integer(1));
  if (dtype == self.dtype) return make_view(&self, self.ndim, self.sizes(), self.strides(), self.offset);
  if (dtype == DT_BOOL)
    type_error(call.name(),
               ": bytes other than 0 and 1 are no bool, so that there is no view as dovetail.bool; compare with "
               "0 to make one of ",
               dtype_name(self.dtype));
  const int64_t from = itemsize(self.dtype), to = itemsize(dtype);
  if (from == to) return make_view_as(&self, dtype, self.ndim, self.sizes(), self.strides(), self.offset);
  if (self.ndim == 0)
    value_error(call.name(), ": a zero-dim tensor of ", dtype_name(self.dtype), " can't be viewed as ",
                dtype_name(dtype), ", whose elements have another size");
  if (self.stride(self.ndim - 1) != 1 && self.size(self.ndim - 1) != 1 && self.numel != 0)
    value_error(call.name(), ": the elements of the last dim must lie side by side to view ", dtype_name(self.dtype),
                " as ", dtype_name(dtype), ", got strides ", shape_text(self.ndim, self.strides()),
                "; use .contiguous() first");
  return from > to ? narrower(self, dtype, from / to) : wider(call, self, dtype, to / from);
}

}  // namespace

void declare_view_dtype() {
  Declare("view_dtype", "view_dtype(Tensor(a) self, DType dtype) -> Tensor(a)")
      .view(view_dtype_view)
      .internal()
      .non_differentiable()
      .doc(R"(The same bytes as elements of another dtype: what `x.view(dtype)` gives.

Elements of another size take or share the places of the last dim, which must be contiguous:

    out.shape[-1] = self.shape[-1] * self.itemsize / out.itemsize

Args:
    dtype: any but bool, whose bytes are 0 and 1 only.

Raises:
    ValueError: the size of the last dim, a stride or the offset is no multiple of the larger element's.

Example:
    >>> dt.tensor([1.0, -2.0]).view(dt.int32).tolist()
    [1065353216, -1073741824]
)");
}

}  // namespace dovetail

// Sorting along a dim.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

void infer_sort(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  call.dim(1, self.ndim);
  if (is_complex(self.dtype)) type_error(call.name(), ": not defined for dtype ", dtype_name(self.dtype));
  call.outs[0].like(self);
  call.outs[1].like(self);
  call.outs[1].dtype = DT_INT64;
}

}  // namespace

void declare_sort() {
  Declare("sort",
          "sort(Tensor self, int dim=-1, bool descending=False, bool stable=False) -> (Tensor values, Tensor indices)")
      .plain(infer_sort)
      .required()
      .method()
      .out()
      .doc(R"(The elements along a dim in order, and where each of them was. NaN counts as the largest.

    values[i] = self[indices[i]],  values[0] <= values[1] <= ...

Args:
    self: a tensor of any shape.
    dim: the dim to sort along.
    descending: whether the largest come first.
    stable: whether equal elements keep their order.

Example:
    >>> values, indices = dt.sort(dt.tensor([3.0, 1.0, 2.0]))
    >>> values.tolist(), indices.tolist()
    ([1.0, 2.0, 3.0], [1, 2, 0])
)");
}

}  // namespace dovetail

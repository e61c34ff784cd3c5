// Copies: into a tensor, to another dtype, device or layout.
#include "core/copy.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("copy", schema); }

}  // namespace

void declare_copy() {
  op("copy(Tensor self, Tensor src) -> Tensor")
      .copy_form()
      .required()
      .method()
      .inplace()
      .internal()
      .doc(R"(The elements of `src`, in the shape, dtype and device of `self`; `self.copy_(src)` writes them into it.

    out = src

Args:
    self: the tensor whose shape, dtype and device the result has.
    src: a tensor that broadcasts to `self`'s shape.

Example:
    >>> dt.zeros(3).copy_(dt.tensor([1, 2, 3])).tolist()
    [1.0, 2.0, 3.0]
)");
  op("clone(Tensor self) -> Tensor")
      .composite(clone_op)
      .method()
      .doc(R"(A copy of the tensor with memory of its own, contiguous.

    out = self

Args:
    self: a tensor of any shape.

Example:
    >>> a = dt.tensor([1.0, 2.0])
    >>> b = dt.clone(a).mul_(10)
    >>> a.tolist(), b.tolist()
    ([1.0, 2.0], [10.0, 20.0])
)");
  op("cast(Tensor self, DType dtype) -> Tensor")
      .composite(cast_op)
      .internal()
      .doc(R"(A copy of the tensor in a dtype; `Tensor.to` is this where the dtype differs.

    out = self

Args:
    self: a tensor of any shape.
    dtype: what to convert to. Floats lose their fractions on the way to integers; bool is `self != 0`.

Example:
    >>> dt.tensor([1.5, 0.0]).to(dt.bool).tolist()
    [True, False]
)");
  op("to_device(Tensor self, Device device) -> Tensor")
      .composite(to_device_op)
      .internal()
      .doc(R"(A copy of the tensor on a device; `Tensor.to` is this where the device differs.

    out = self

Args:
    self: a tensor of any shape.
    device: where to copy to.

Example:
    >>> dt.tensor([1.0]).to("cpu").tolist()
    [1.0]
)");
  op("contiguous(Tensor self) -> Tensor")
      .composite(contiguous_op)
      .method()
      .internal()
      .doc(R"(The tensor laid out without gaps, the last dim innermost: itself if it is so already, else a copy.

    out = self

Args:
    self: a tensor of any shape.

Example:
    >>> dt.tensor([[1, 2], [3, 4]]).transpose(0, 1).contiguous().stride()
    (2, 1)
)");
}

}  // namespace dovetail

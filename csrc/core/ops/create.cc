// New tensors: filled, counted up, like another.
#include <cmath>

#include "core/copy.h"
#include "core/layout.h"
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("create", schema); }

const Callee full("full"), empty_("empty"), permute("permute");

// ---- inference ------------------------------------------------------------------------------------------

DType dtype_of_number(const dt_value& number) {
  switch (number.tag) {
    case DT_BOOLEAN:
      return DT_BOOL;
    case DT_INT:
    case DT_UINT:
      return DT_INT64;
    case DT_COMPLEX:
      return default_dtype() == DT_FLOAT64 ? DT_COMPLEX128 : DT_COMPLEX64;
    default:
      return default_dtype();
  }
}

void infer_sizes(Inference& call) {
  const dt_value& size = call.args[0];
  OutputSpec& out = call.outs[0];
  if (size.count > DT_MAX_DIMS)
    value_error(call.name(), ": size has ", size.count, " dims, more than the ", DT_MAX_DIMS, " there may be");
  for (int i = 0; i < size.count; ++i) {
    if (size.as.ints[i] < 0) value_error(call.name(), ": size must not be negative, got ", ints_text(size));
    out.push(size.as.ints[i]);
  }
}

void infer_full(Inference& call) {
  infer_sizes(call);
  OutputSpec& out = call.outs[0];
  out.dtype = dtype_or(call.args[2], dtype_of_number(call.args[1]));
  settle_element(call, 1, out.dtype);
}

// empty, zeros, ones(size, *, dtype, device): a float by default, whatever the number.
void infer_filled(Inference& call) {
  infer_sizes(call);
  call.outs[0].dtype = dtype_or(call.args[1], default_dtype());
}

__int128 whole_number(const dt_value& v) {
  return v.tag == DT_UINT ? static_cast<__int128>(static_cast<uint64_t>(v.as.i)) : static_cast<__int128>(v.as.i);
}

// How many steps there are from start to end; integers are counted exactly.
int64_t step_count(const char* who, const dt_value& start, const dt_value& end, const dt_value& step) {
  const double from = real_number(start), to = real_number(end), by = real_number(step);
  if (by == 0) value_error(who, ": step must not be zero, got 0");
  if (!std::isfinite(from) || !std::isfinite(to) || !std::isfinite(by))
    value_error(who, ": start, end and step must be finite, got ", from, ", ", to, " and ", by);
  if ((by > 0 && from > to) || (by < 0 && from < to))
    value_error(who, ": a step of ", by, " does not lead from ", from, " to ", to);
  if (start.tag != DT_FLOAT && end.tag != DT_FLOAT && step.tag != DT_FLOAT) {
    const __int128 span = whole_number(end) - whole_number(start), stride = whole_number(step);
    return static_cast<int64_t>((span + stride + (stride > 0 ? -1 : 1)) / stride);
  }
  const double count = std::ceil((to - from) / by);
  if (count > 9e18) value_error(who, ": ", count, " elements are more than can be addressed");
  return static_cast<int64_t>(count);
}

void infer_arange(Inference& call) {
  bool floats = false;
  for (int i = 0; i < 3; ++i) {
    const dt_value& v = call.args[i];
    if (v.tag == DT_COMPLEX) type_error(call.name(), ": start, end and step must be real numbers, got a complex one");
    floats |= v.tag == DT_FLOAT;
  }
  call.outs[0].push(step_count(call.name(), call.args[0], call.args[1], call.args[2]));
  call.outs[0].dtype = dtype_or(call.args[3], floats ? default_dtype() : DT_INT64);
  if (call.outs[0].dtype == DT_BOOL || is_complex(call.outs[0].dtype))
    type_error(call.name(), ": not defined for dtype ", dtype_name(call.outs[0].dtype));
  for (int i : {0, 2}) settle_number(call, i, call.outs[0].dtype);
}

Result fill_result(const dt_value* args) {
  const TensorImpl& value = *args[1].as.tensor;
  if (value.ndim != 0) value_error("fill: value must be a number or a zero-dim tensor, got shape ", shape_text(value));
  const DType dtype = args[0].as.tensor->dtype;
  if (is_complex(value.dtype) && !is_complex(dtype))
    type_error("fill: a complex value can't fill a tensor of dtype ", dtype_name(dtype));
  if (value.bits & DT_BIT_WRAPPED && is_exact(dtype)) check_fits(item(value), dtype);
  return Result::same;
}

// ---- composites -----------------------------------------------------------------------------------------

template <int kNumber>
void filled_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], full(args[0], kNumber, box_dtype(dtype_or(args[1], default_dtype())), args[2]));
}

dt_value device_like(const dt_value& device, const TensorImpl& self) {
  return given(device) ? device : box_device(self.device);
}

// What make(sizes) gives, in another's sizes and memory order.
template <class Make>
Tensor like(TensorImpl* self, const Make& make) {
  const int n = self->ndim;
  if (self->contiguous || self->numel == 0) return make(box_ints(self->sizes(), n));
  int order[DT_MAX_DIMS];
  int64_t sizes[DT_MAX_DIMS], places[DT_MAX_DIMS];
  memory_order(&self, 1, n, self->sizes(), order);
  for (int i = 0; i < n; ++i) {
    sizes[n - 1 - i] = self->size(order[i]);
    places[order[i]] = n - 1 - i;
  }
  return permute(make(box_ints(sizes, n)), box_ints(places, n));
}

// name_like(self, *, dtype, device)
void empty_like_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  TensorImpl* self = args[0].as.tensor;
  give(outs[0], like(self, [&](const dt_value& size) {
         return empty_(size, box_dtype(dtype_or(args[1], self->dtype)), device_like(args[2], *self));
       }));
}

template <int kNumber>
void filled_like_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  TensorImpl* self = args[0].as.tensor;
  give(outs[0], like(self, [&](const dt_value& size) {
         return full(size, kNumber, box_dtype(dtype_or(args[1], self->dtype)), device_like(args[2], *self));
       }));
}

void full_like_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  TensorImpl* self = args[0].as.tensor;
  give(outs[0], like(self, [&](const dt_value& size) {
         return full(size, args[1], box_dtype(dtype_or(args[2], self->dtype)), device_like(args[3], *self));
       }));
}

// new_name(self, size, *, dtype, device)
void new_empty_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const TensorImpl& self = *args[0].as.tensor;
  give(outs[0], empty_(args[1], box_dtype(dtype_or(args[2], self.dtype)), device_like(args[3], self)));
}

template <int kNumber>
void new_filled_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const TensorImpl& self = *args[0].as.tensor;
  give(outs[0], full(args[1], kNumber, box_dtype(dtype_or(args[2], self.dtype)), device_like(args[3], self)));
}

void new_full_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const TensorImpl& self = *args[0].as.tensor;
  give(outs[0], full(args[1], args[2], box_dtype(dtype_or(args[3], self.dtype)), device_like(args[4], self)));
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_primitives() {
  op("full(int[] size, Scalar fill_value, *, DType? dtype=None, Device? device=None) -> Tensor")
      .plain(infer_full)
      .required()
      .factory()
      .out()
      .non_differentiable()
      .doc(R"(A tensor filled with a number.

    out = fill_value

Args:
    size: the shape.
    fill_value: the number; it decides the dtype where none is given.
    dtype, device: what the result shall be.

Example:
    >>> dt.full((2, 2), 7).tolist()
    [[7, 7], [7, 7]]
)");
  op("arange(Scalar start, Scalar end, Scalar step=1, *, DType? dtype=None, Device? device=None) -> Tensor")
      .plain(infer_arange)
      .required()
      .factory()
      .out()
      .non_differentiable()
      .doc(R"(Numbers from `start` up to, and without, `end`, `step` apart.

    out_i = start + i * step,  of ceil((end - start) / step) elements

Args:
    start, end, step: numbers; where all are integers the dtype is int64, else the default float.
    dtype, device: what the result shall be.

Example:
    >>> dt.arange(1, 10, 3).tolist()
    [1, 4, 7]
)");
  op("fill(Tensor self, Tensor value) -> Tensor")
      .copy_form()
      .result_by(fill_result)
      .required()
      .method()
      .inplace()
      .doc(R"(A value in every element, in the shape and dtype of `self`; `self.fill_(value)` writes it there.

    out = value

Args:
    self: a tensor of any shape.
    value: a number, or a zero-dim tensor.

Example:
    >>> dt.zeros(2).fill_(3).tolist()
    [3.0, 3.0]
)");
}

void declare_by_size() {
  op("empty(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor")
      .plain(infer_filled)
      .composite(empty_op)
      .factory()
      .out()
      .non_differentiable()
      .doc(R"(A tensor whose elements are whatever its memory holds.

Args:
    size: the shape.
    dtype, device: what the result shall be; the default float on the default device.

Example:
    >>> dt.empty((2, 3)).shape
    dovetail.Size([2, 3])
)");
  op("zeros(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor")
      .plain(infer_filled)
      .composite(filled_op<0>)
      .factory()
      .out()
      .non_differentiable()
      .doc(R"(A tensor of zeros.

    out = 0

Args:
    size: the shape.
    dtype, device: what the result shall be; the default float on the default device.

Example:
    >>> dt.zeros((2,)).tolist()
    [0.0, 0.0]
)");
  op("ones(int[] size, *, DType? dtype=None, Device? device=None) -> Tensor")
      .plain(infer_filled)
      .composite(filled_op<1>)
      .factory()
      .out()
      .non_differentiable()
      .doc(R"(A tensor of ones.

    out = 1

Args:
    size: the shape.
    dtype, device: what the result shall be; the default float on the default device.

Example:
    >>> dt.ones((2,)).tolist()
    [1.0, 1.0]
)");
}

void declare_like() {
  op("empty_like(Tensor self, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(empty_like_op)
      .factory()
      .non_differentiable()
      .doc(R"(A tensor of another's shape whose elements are whatever its memory holds.

Args:
    self: the tensor to resemble.
    dtype, device: by default those of `self`.

Example:
    >>> dt.empty_like(dt.zeros((2, 3))).shape
    dovetail.Size([2, 3])
)");
  op("zeros_like(Tensor self, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(filled_like_op<0>)
      .factory()
      .non_differentiable()
      .doc(R"(Zeros in the shape of another tensor.

    out = 0

Args:
    self: the tensor to resemble.
    dtype, device: by default those of `self`.

Example:
    >>> dt.zeros_like(dt.tensor([1, 2])).tolist()
    [0, 0]
)");
  op("ones_like(Tensor self, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(filled_like_op<1>)
      .factory()
      .non_differentiable()
      .doc(R"(Ones in the shape of another tensor.

    out = 1

Args:
    self: the tensor to resemble.
    dtype, device: by default those of `self`.

Example:
    >>> dt.ones_like(dt.tensor([5, 2])).tolist()
    [1, 1]
)");
  op("full_like(Tensor self, Scalar fill_value, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(full_like_op)
      .factory()
      .non_differentiable()
      .doc(R"(A number everywhere, in the shape of another tensor.

    out = fill_value

Args:
    self: the tensor to resemble.
    fill_value: the number.
    dtype, device: by default those of `self`.

Example:
    >>> dt.full_like(dt.tensor([5, 2]), 3).tolist()
    [3, 3]
)");
}

void declare_new() {
  op("new_empty(Tensor self, int[] size, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(new_empty_op)
      .factory()
      .method()
      .internal()
      .non_differentiable()
      .doc(R"(A tensor of a shape, in this one's dtype and on its device, whose elements are whatever its memory holds.

Args:
    self: the tensor whose dtype and device to use.
    size: the shape.
    dtype, device: by default those of `self`.

Example:
    >>> dt.tensor([1, 2]).new_empty((2, 3)).dtype == dt.int64
    True
)");
  op("new_zeros(Tensor self, int[] size, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(new_filled_op<0>)
      .factory()
      .method()
      .internal()
      .non_differentiable()
      .doc(R"(Zeros of a shape, in this tensor's dtype and on its device.

    out = 0

Args:
    self: the tensor whose dtype and device to use.
    size: the shape.
    dtype, device: by default those of `self`.

Example:
    >>> dt.tensor([1, 2]).new_zeros((3,)).tolist()
    [0, 0, 0]
)");
  op("new_ones(Tensor self, int[] size, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(new_filled_op<1>)
      .factory()
      .method()
      .internal()
      .non_differentiable()
      .doc(R"(Ones of a shape, in this tensor's dtype and on its device.

    out = 1

Args:
    self: the tensor whose dtype and device to use.
    size: the shape.
    dtype, device: by default those of `self`.

Example:
    >>> dt.tensor([1, 2]).new_ones((3,)).tolist()
    [1, 1, 1]
)");
  op("new_full(Tensor self, int[] size, Scalar fill_value, *, DType? dtype=None, Device? device=None) -> Tensor")
      .composite(new_full_op)
      .factory()
      .method()
      .internal()
      .non_differentiable()
      .doc(R"(A number everywhere in a shape, in this tensor's dtype and on its device.

    out = fill_value

Args:
    self: the tensor whose dtype and device to use.
    size: the shape.
    fill_value: the number.
    dtype, device: by default those of `self`.

Example:
    >>> dt.tensor([1, 2]).new_full((3,), 4).tolist()
    [4, 4, 4]
)");
}

}  // namespace

void declare_create() {
  declare_primitives();
  declare_by_size();
  declare_like();
  declare_new();
}

}  // namespace dovetail

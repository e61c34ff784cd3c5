// Pooling: the largest or the mean element of windows, over 1 to 3 spatial dims.
#include "core/ops/compose.h"
#include "core/ops/window.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("pool", schema); }

const Callee zeros("zeros"), scatter_add("scatter_add");

// ---- inference ------------------------------------------------------------------------------------------

// The windows of a pooling: arguments from `first` on are kernel_size, stride, padding.
struct Windows {
  int spatial;
  const int64_t *kernel, *stride, *padding;

  Windows(Inference& call, int spatial, int first) : spatial(spatial) {
    kernel = normalise_list(call, first, spatial, 1);
    if (call.args[first + 1].count == 0) call.args[first + 1] = call.args[first];  // by default, the windows touch
    stride = normalise_list(call, first + 1, spatial, 1);
    padding = normalise_list(call, first + 2, spatial, 0);
    for (int i = 0; i < spatial; ++i)
      if (padding[i] > kernel[i] / 2)
        value_error(call.name(), ": padding must be at most half of kernel_size, got ", ints_text(call.args[first + 2]),
                    " for ", ints_text(call.args[first]));
  }

  void result(const char* who, const int64_t* input, const int64_t* dilation, bool ceil_mode, OutputSpec& out) const {
    out.push(input[0]);
    out.push(input[1]);
    for (int i = 0; i < spatial; ++i) {
      if (input[2 + i] == 0)
        value_error(who, ": the input must not be empty in a spatial dim, got shape ", shape_text(spatial + 2, input));
      const int64_t count =
          window_count(who, input[2 + i], kernel[i], stride[i], padding[i], dilation ? dilation[i] : 1, ceil_mode);
      if (count < 1)
        value_error(who, ": the window is larger than the padded input of shape ", shape_text(spatial + 2, input),
                    " in spatial dim ", i);
      out.push(count);
    }
  }
};

void infer_max_pool(Inference& call) {  // (self, kernel_size, stride, padding, dilation, ceil_mode)
  const TensorImpl& self = call.tensor(0);
  const int spatial = spatial_dims(call.name(), "self", self);
  if (self.dtype == DT_BOOL || is_complex(self.dtype))
    type_error(call.name(), ": not defined for dtype ", dtype_name(self.dtype));
  const Windows windows(call, spatial, 1);
  const int64_t* dilation = normalise_list(call, 4, spatial, 1);
  windows.result(call.name(), self.sizes(), dilation, call.boolean(5), call.outs[0]);
  call.outs[0].dtype = self.dtype;
  call.outs[1] = call.outs[0];
  call.outs[1].dtype = DT_INT64;
}

void infer_avg_pool(Inference& call) {  // (self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)
  const TensorImpl& self = call.tensor(0);
  const int spatial = spatial_dims(call.name(), "self", self);
  check_floating(call.name(), "self", self);
  const Windows windows(call, spatial, 1);
  if (call.given(6) && call.integer(6) == 0) value_error(call.name(), ": divisor_override must not be zero, got 0");
  windows.result(call.name(), self.sizes(), nullptr, call.boolean(4), call.outs[0]);
  call.outs[0].dtype = self.dtype;
}

const int64_t* input_sizes(Inference& call, int i, const TensorImpl& grad) {
  const dt_value& size = call.args[i];
  bool fits = size.count == grad.ndim;
  for (int k = 0; fits && k < size.count; ++k) fits = k < 2 ? size.as.ints[k] == grad.size(k) : size.as.ints[k] >= 0;
  if (!fits)
    value_error(call.name(), ": input_size must be the shape of the pooled input, with the batch and channels of grad ",
                shape_text(grad), ", got ", ints_text(size));
  return size.as.ints;
}

void set_output(Inference& call, const int64_t* sizes) {
  const TensorImpl& grad = call.tensor(0);
  for (int i = 0; i < grad.ndim; ++i) call.outs[0].push(sizes[i]);
  call.outs[0].dtype = grad.dtype;
}

// (grad, input_size, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
void infer_avg_pool_grad(Inference& call) {
  const TensorImpl& grad = call.tensor(0);
  const int spatial = spatial_dims(call.name(), "grad", grad);
  check_floating(call.name(), "grad", grad);
  const int64_t* sizes = input_sizes(call, 1, grad);
  const Windows windows(call, spatial, 2);
  if (call.given(7) && call.integer(7) == 0) value_error(call.name(), ": divisor_override must not be zero, got 0");
  OutputSpec result;
  windows.result(call.name(), sizes, nullptr, call.boolean(5), result);
  if (!std::equal(result.sizes, result.sizes + result.ndim, grad.sizes()))
    value_error(call.name(), ": grad must have the shape of the pooling's result, ",
                shape_text(result.ndim, result.sizes), ", got ", shape_text(grad));
  set_output(call, sizes);
}

void infer_max_pool_grad(Inference& call) {  // (grad, indices, input_size)
  const TensorImpl& grad = call.tensor(0);
  spatial_dims(call.name(), "grad", grad);
  normalise_index(call, 1);
  const TensorImpl& indices = call.tensor(1);
  if (indices.ndim != grad.ndim || !std::equal(grad.sizes(), grad.sizes() + grad.ndim, indices.sizes()))
    value_error(call.name(), ": grad and indices must have one shape, got ", shape_text(grad), " and ",
                shape_text(indices));
  set_output(call, input_sizes(call, 2, grad));
}

// ---- decomposition --------------------------------------------------------------------------------------

// Every plane laid flat, so that the indices are places along one dim.
void max_pool_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), indices = tensor(args[1]);
  std::vector<int64_t> sizes(args[2].as.ints, args[2].as.ints + args[2].count);
  int64_t plane = 1, windows = 1;
  for (size_t i = 2; i < sizes.size(); ++i) plane *= sizes[i];
  for (int i = 2; i < grad->ndim; ++i) windows *= grad->size(i);
  const std::vector<int64_t> planes{grad->size(0), grad->size(1), plane}, flat{grad->size(0), grad->size(1), windows};
  const Tensor start = zeros(planes, box_dtype(grad->dtype), box_device(grad->device));
  give(outs[0], view_as(scatter_add(start, 2, view_as(indices, flat), view_as(grad, flat)), sizes));
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_max() {
  op("max_pool(Tensor self, int[] kernel_size, int[] stride, int[] padding, int[] dilation, bool ceil_mode) -> "
     "(Tensor values, Tensor indices)")
      .plain(infer_max_pool)
      .required()
      .internal()
      .doc(R"(The largest element of every window, and where in its plane it is. NaN counts as the largest.

    values[n, c, p] = max_k self[n, c, p * stride - padding + k * dilation]

Args:
    self: of shape (N, C, *spatial), with 1 to 3 spatial dims; padding is less than any element.
    kernel_size, stride, padding, dilation: an int for each spatial dim, or one for all; an empty stride is kernel_size.
    ceil_mode: whether a last window may reach over the end.

The indices count the elements of a plane laid flat.

Example:
    >>> values, indices = dt._core.get_op("max_pool")(dt.tensor([[[1.0, 3.0, 2.0]]]), (2,), (1,), (0,), (1,), False)
    >>> values.tolist(), indices.tolist()
    ([[[3.0, 3.0]]], [[[1, 1]]])
)");
  op("max_pool_grad(Tensor grad, Tensor indices, int[] input_size) -> Tensor")
      .plain(infer_max_pool_grad)
      .composite(max_pool_grad_op)
      .internal()
      .doc(R"(The gradient of `max_pool`'s values with respect to its input.

    out[n, c, indices[n, c, p]] += grad[n, c, p]

Args:
    grad: of the shape of the values.
    indices: as `max_pool` gave them.
    input_size: the shape of the pooled input.

Example:
    >>> grad = dt._core.get_op("max_pool_grad")
    >>> grad(dt.ones(1, 1, 2), dt.tensor([[[1, 1]]]), (1, 1, 3)).tolist()
    [[[0.0, 2.0, 0.0]]]
)");
}

void declare_avg() {
  op("avg_pool(Tensor self, int[] kernel_size, int[] stride, int[] padding, bool ceil_mode, bool count_include_pad, "
     "int? divisor_override) -> Tensor")
      .plain(infer_avg_pool)
      .required()
      .internal()
      .doc(R"(The mean element of every window.

    out[n, c, p] = sum_k self[n, c, p * stride - padding + k] / divisor

Args:
    self: of shape (N, C, *spatial), with 1 to 3 spatial dims and a floating-point dtype; padding is zero.
    kernel_size, stride, padding: an int for each spatial dim, or one for all; an empty stride is kernel_size.
    ceil_mode: whether a last window may reach over the end.
    count_include_pad: whether the divisor counts padding.
    divisor_override: a divisor in place of the window's count.

Example:
    >>> dt._core.get_op("avg_pool")(dt.tensor([[[1.0, 3.0, 2.0]]]), (2,), (1,), (0,), False, True, None).tolist()
    [[[2.0, 2.5]]]
)");
  op("avg_pool_grad(Tensor grad, int[] input_size, int[] kernel_size, int[] stride, int[] padding, bool ceil_mode, "
     "bool count_include_pad, int? divisor_override) -> Tensor")
      .plain(infer_avg_pool_grad)
      .required()
      .internal()
      .doc(R"(The gradient of `avg_pool` with respect to its input.

    out[n, c, q] = sum of grad[n, c, p] / divisor_p over the windows p that hold q

Args:
    grad: of the shape of the pooling's result.
    input_size: the shape of the pooled input.
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override: as for `avg_pool`.

Example:
    >>> grad = dt._core.get_op("avg_pool_grad")
    >>> grad(dt.ones(1, 1, 2), (1, 1, 3), (2,), (1,), (0,), False, True, None).tolist()
    [[[0.5, 1.0, 0.5]]]
)");
}

}  // namespace

void declare_pool() {
  declare_max();
  declare_avg();
}

}  // namespace dovetail

// Convolution and its two gradients, over 1 to 3 spatial dims.
#include "core/ops/compose.h"
#include "core/ops/window.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("conv", schema); }

// One convolution, wherever its parts come from: the arguments from `first` on are stride, padding, dilation, groups.
struct Convolution {
  int spatial;
  const int64_t *stride, *padding, *dilation;
  int64_t groups;

  Convolution(Inference& call, int spatial, int first)
      : spatial(spatial),
        stride(normalise_list(call, first, spatial, 1)),
        padding(normalise_list(call, first + 1, spatial, 0)),
        dilation(normalise_list(call, first + 2, spatial, 1)),
        groups(call.integer(first + 3)) {
    if (groups < 1) value_error(call.name(), ": groups must be at least 1, got ", groups);
  }

  // input (N, C, *in), weight (C_out, C / groups, *kernel): the result's shape.
  void result(const char* who, const int64_t* input, const int64_t* weight, OutputSpec& out) const {
    const auto shapes = [&] {
      return shape_text(spatial + 2, input) + " and weight " + shape_text(spatial + 2, weight);
    };
    int64_t channels;
    if (__builtin_mul_overflow(weight[1], groups, &channels) || input[1] != channels)
      value_error(who, ": the input's channels must be weight's ", weight[1], " times ", groups, " groups, got input ",
                  shapes());
    if (weight[0] % groups != 0)
      value_error(who, ": weight's ", weight[0], " output channels don't divide into ", groups, " groups");
    out.push(input[0]);
    out.push(weight[0]);
    for (int i = 0; i < spatial; ++i) {
      if (weight[2 + i] < 1) value_error(who, ": the kernel must have at least size 1, got input ", shapes());
      const int64_t count = window_count(who, input[2 + i], weight[2 + i], stride[i], padding[i], dilation[i]);
      if (count < 1)
        value_error(who, ": the kernel, dilated, is larger than the padded input in spatial dim ", i, ", got input ",
                    shapes());
      out.push(count);
    }
  }
};

void check_parts(Inference& call, int i, int j) {
  const char *a = call.op.schema.args[i].name.c_str(), *b = call.op.schema.args[j].name.c_str();
  check_same_dtype(call.name(), a, call.tensor(i), b, call.tensor(j));
  const DType dtype = call.tensor(i).dtype;
  if (is_exact(dtype))
    type_error(call.name(), ": not defined for dtype ", dtype_name(dtype), "; convert with .to(dt.float32)");
}

void infer_convolution(Inference& call) {  // (input, weight, bias, stride, padding, dilation, groups)
  const char* who = call.name();
  const TensorImpl &input = call.tensor(0), &weight = call.tensor(1);
  const int spatial = spatial_dims(who, "input", input);
  check_ndim(who, "weight", weight, input.ndim);
  check_parts(call, 0, 1);
  Convolution(call, spatial, 3).result(who, input.sizes(), weight.sizes(), call.outs[0]);
  call.outs[0].dtype = input.dtype;
  if (!call.given(2)) return;
  const TensorImpl& bias = call.tensor(2);
  check_same_dtype(who, "input", input, "bias", bias);
  if (bias.ndim != 1 || bias.size(0) != weight.size(0))
    value_error(who, ": bias must have shape (", weight.size(0), ",), one element for each output channel, got ",
                shape_text(bias));
}

// The size argument of a gradient: as many entries as its tensor has dims.
const int64_t* given_size(Inference& call, int i, int ndim) {
  const dt_value& size = call.args[i];
  const std::string& name = call.op.schema.args[i].name;
  if (size.count != ndim) value_error(call.name(), ": ", name, " must have ", ndim, " entries, got ", ints_text(size));
  for (int k = 0; k < ndim; ++k)
    if (size.as.ints[k] < 0) value_error(call.name(), ": ", name, " must not be negative, got ", ints_text(size));
  return size.as.ints;
}

void check_grad(const char* who, const TensorImpl& grad, const OutputSpec& result) {
  if (grad.ndim != result.ndim || !std::equal(result.sizes, result.sizes + result.ndim, grad.sizes()))
    value_error(who, ": grad must have the shape of the convolution's result, ", shape_text(result.ndim, result.sizes),
                ", got ", shape_text(grad));
}

void set_output(Inference& call, int ndim, const int64_t* sizes) {
  for (int i = 0; i < ndim; ++i) call.outs[0].push(sizes[i]);
  call.outs[0].dtype = call.tensor(0).dtype;
}

void infer_input_grad(Inference& call) {  // (grad, weight, input_size, stride, padding, dilation, groups)
  const char* who = call.name();
  const TensorImpl &grad = call.tensor(0), &weight = call.tensor(1);
  const int spatial = spatial_dims(who, "grad", grad);
  check_ndim(who, "weight", weight, grad.ndim);
  check_parts(call, 0, 1);
  const int64_t* input = given_size(call, 2, grad.ndim);
  OutputSpec result;
  Convolution(call, spatial, 3).result(who, input, weight.sizes(), result);
  check_grad(who, grad, result);
  set_output(call, grad.ndim, input);
}

void infer_weight_grad(Inference& call) {  // (grad, input, weight_size, stride, padding, dilation, groups)
  const char* who = call.name();
  const TensorImpl &grad = call.tensor(0), &input = call.tensor(1);
  const int spatial = spatial_dims(who, "grad", grad);
  check_ndim(who, "input", input, grad.ndim);
  check_parts(call, 0, 1);
  const int64_t* weight = given_size(call, 2, grad.ndim);
  OutputSpec result;
  Convolution(call, spatial, 3).result(who, input.sizes(), weight, result);
  check_grad(who, grad, result);
  set_output(call, grad.ndim, weight);
}

}  // namespace

void declare_conv() {
  op("convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, int groups) "
     "-> Tensor")
      .plain(infer_convolution)
      .required()
      .internal()
      .doc(R"(The cross-correlation of batches of signals with a bank of kernels, over 1 to 3 spatial dims.

    out[n, o, p] = bias[o] + sum_{c, k} weight[o, c, k] * input[n, g(o) * C / groups + c, p * stride - padding + k * dilation]

where g(o) is the group that output channel o belongs to, and the input is zero outside its bounds.

Args:
    input: of shape (N, C, *spatial).
    weight: of shape (C_out, C / groups, *kernel) and the same dtype.
    bias: of shape (C_out,), or None.
    stride, padding, dilation: an int for each spatial dim, or one for all.
    groups: into how many independent groups the channels fall.

Example:
    >>> convolution = dt._core.get_op("convolution")
    >>> convolution(dt.ones(1, 1, 4), dt.ones(1, 1, 2), None, (1,), (0,), (1,), 1).tolist()
    [[[2.0, 2.0, 2.0]]]
)");
  op("convolution_input_grad(Tensor grad, Tensor weight, int[] input_size, int[] stride, int[] padding, "
     "int[] dilation, int groups) -> Tensor")
      .plain(infer_input_grad)
      .required()
      .internal()
      .doc(
          R"(The gradient of `convolution` with respect to its input: a transposed convolution of `grad` with the weight.

    out[n, c, q] = sum of grad[n, o, p] * weight[o, c', k] over all (o, p, k) in which input element (n, c, q) took part

Args:
    grad: of the shape of the convolution's result.
    weight: of shape (C_out, C / groups, *kernel).
    input_size: the shape of the input, (N, C, *spatial).
    stride, padding, dilation, groups: as for `convolution`.

Example:
    >>> input_grad = dt._core.get_op("convolution_input_grad")
    >>> input_grad(dt.ones(1, 1, 3), dt.ones(1, 1, 2), (1, 1, 4), (1,), (0,), (1,), 1).tolist()
    [[[1.0, 2.0, 2.0, 1.0]]]
)");
  op("convolution_weight_grad(Tensor grad, Tensor input, int[] weight_size, int[] stride, int[] padding, "
     "int[] dilation, int groups) -> Tensor")
      .plain(infer_weight_grad)
      .required()
      .internal()
      .doc(R"(The gradient of `convolution` with respect to its weight.

    out[o, c, k] = sum_{n, p} grad[n, o, p] * input[n, g(o) * C / groups + c, p * stride - padding + k * dilation]

Args:
    grad: of the shape of the convolution's result.
    input: of shape (N, C, *spatial).
    weight_size: the shape of the weight, (C_out, C / groups, *kernel).
    stride, padding, dilation, groups: as for `convolution`.

Example:
    >>> weight_grad = dt._core.get_op("convolution_weight_grad")
    >>> weight_grad(dt.ones(1, 1, 3), dt.ones(1, 1, 4), (1, 1, 2), (1,), (0,), (1,), 1).tolist()
    [[[3.0, 3.0]]]
)");
}

}  // namespace dovetail

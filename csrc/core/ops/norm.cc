// Normalisation over the last dims, layer_norm and rms_norm, and its gradient.
#include <limits>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("norm", schema); }

const Callee mean("mean"), var("var"), add("add"), sub("sub"), mul("mul"), rsqrt("rsqrt"), sum("sum"), square("square");

// ---- checks ---------------------------------------------------------------------------------------------

bool ends_with(const TensorImpl& t, const dt_value& shape) {
  return shape.count <= t.ndim &&
         std::equal(shape.as.ints, shape.as.ints + shape.count, t.sizes() + t.ndim - shape.count);
}

void check_normalized(const char* who, const TensorImpl& input, const dt_value& shape) {
  if (shape.count == 0) value_error(who, ": normalized_shape must have at least one entry, got none");
  if (!ends_with(input, shape))
    value_error(who, ": input must have a shape that ends with normalized_shape ", ints_text(shape), ", got ",
                shape_text(input));
  if (!is_floating(input.dtype))
    type_error(who, ": input must have a floating-point dtype, got ", dtype_name(input.dtype));
}

void check_affine(const char* who, const char* name, const dt_value& given, const TensorImpl& input,
                  const dt_value& shape) {
  if (given.tag == DT_NONE) return;
  const TensorImpl& t = *given.as.tensor;
  check_same_dtype(who, "input", input, name, t);
  if (t.ndim != shape.count || !ends_with(t, shape))
    value_error(who, ": ", name, " must have normalized_shape ", ints_text(shape), ", got ", shape_text(t));
}

void infer_layer_norm(Inference& call) {  // (input, normalized_shape, weight, bias, eps)
  const TensorImpl& input = call.tensor(0);
  check_normalized(call.name(), input, call.args[1]);
  check_affine(call.name(), "weight", call.args[2], input, call.args[1]);
  check_affine(call.name(), "bias", call.args[3], input, call.args[1]);
  call.outs[0].like(input);
}

void infer_rms_norm(Inference& call) {  // (input, normalized_shape, weight, eps)
  check_normalized(call.name(), call.tensor(0), call.args[1]);
  check_affine(call.name(), "weight", call.args[2], call.tensor(0), call.args[1]);
  call.outs[0].like(call.tensor(0));
}

void infer_grad(Inference& call) {  // (grad, input, normalized_shape, weight, eps)
  const TensorImpl &grad = call.tensor(0), &input = call.tensor(1);
  const dt_value& shape = call.args[2];
  check_normalized(call.name(), input, shape);
  check_affine(call.name(), "weight", call.args[3], input, shape);
  check_same_dtype(call.name(), "grad", grad, "input", input);
  if (grad.ndim != input.ndim || !std::equal(input.sizes(), input.sizes() + input.ndim, grad.sizes()))
    value_error(call.name(), ": grad and input must have one shape, got ", shape_text(grad), " and ",
                shape_text(input));
  call.outs[0].like(input);
  for (int k = 1; k < call.op.n_outputs(); ++k) {
    for (int i = 0; i < shape.count; ++i) call.outs[k].push(shape.as.ints[i]);
    call.outs[k].dtype = input.dtype;
  }
}

// ---- decompositions -------------------------------------------------------------------------------------

// The input with mean 0 and variance 1 over its last dims.
struct Normalized {
  std::vector<int64_t> dims;   // those dims
  std::vector<int64_t> batch;  // the others
  Tensor scale, value;

  Normalized(const Tensor& input, int count, double eps) {
    for (int i = 0; i < input->ndim; ++i) (i < input->ndim - count ? batch : dims).push_back(i);
    scale = rsqrt(add(var(input, dims, 0, true), number(eps)));
    value = mul(sub(input, mean(input, dims, true)), scale);
  }
};

double eps_of(const dt_value& v) { return real_number(v); }

void layer_norm_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor input = tensor(args[0]), weight = tensor(args[2]), bias = tensor(args[3]);
  check_normalized(op.name().c_str(), *input, args[1]);
  Tensor result = Normalized(input, args[1].count, eps_of(args[4])).value;
  if (weight) result = mul(result, weight);
  if (bias) result = add(result, bias);
  give(outs[0], result);
}

// Summed over the batch dims; an empty list of dims would mean all.
Tensor over_batch(const Tensor& t, const std::vector<int64_t>& batch) { return batch.empty() ? t : sum(t, batch); }

void layer_norm_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), input = tensor(args[1]), weight = tensor(args[3]);
  check_normalized(op.name().c_str(), *input, args[2]);
  const Normalized n(input, args[2].count, eps_of(args[4]));
  const Tensor g = weight ? mul(grad, weight) : grad;
  const Tensor along = mul(n.value, mean(mul(g, n.value), n.dims, true));
  give(outs[0], mul(n.scale, sub(sub(g, mean(g, n.dims, true)), along)));
  give(outs[1], over_batch(mul(grad, n.value), n.batch));
  give(outs[2], over_batch(grad, n.batch));
}

// The input with mean square 1 over its last dims, and what it was multiplied by.
struct Scaled {
  std::vector<int64_t> dims, batch;
  Tensor scale, value;

  Scaled(const Tensor& input, int count, const dt_value& eps) {
    for (int i = 0; i < input->ndim; ++i) (i < input->ndim - count ? batch : dims).push_back(i);
    const double least = input->dtype == DT_FLOAT64 ? std::numeric_limits<double>::epsilon()
                                                    : static_cast<double>(std::numeric_limits<float>::epsilon());
    scale = rsqrt(add(mean(square(input), dims, true), number(given(eps) ? eps_of(eps) : least)));
    value = mul(input, scale);
  }
};

void rms_norm_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor input = tensor(args[0]), weight = tensor(args[2]);
  check_normalized(op.name().c_str(), *input, args[1]);
  check_affine(op.name().c_str(), "weight", args[2], *input, args[1]);
  const Tensor value = Scaled(input, args[1].count, args[3]).value;
  give(outs[0], weight ? mul(value, weight) : value);
}

void rms_norm_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), input = tensor(args[1]), weight = tensor(args[3]);
  check_normalized(op.name().c_str(), *input, args[2]);
  const Scaled n(input, args[2].count, args[4]);
  const Tensor g = weight ? mul(grad, weight) : grad;
  give(outs[0], mul(n.scale, sub(g, mul(n.value, mean(mul(g, n.value), n.dims, true)))));
  give(outs[1], over_batch(mul(grad, n.value), n.batch));
}

void declare_rms() {
  op("rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor")
      .plain(infer_rms_norm)
      .composite(in_float<rms_norm_op>)
      .doc(R"(The input divided by the root of its mean square over the last dims.

    out = input / sqrt(mean(input ** 2) + eps) * weight

Args:
    input: of shape (*, *normalized_shape) and a floating-point dtype.
    normalized_shape: the last dims, over which the mean is taken.
    weight: of shape normalized_shape, or None.
    eps: what to add to the mean; by default the distance from 1 to the next number, for 16-bit dtypes that of float32.

Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", arXiv:1910.07467.

Example:
    >>> dt.rms_norm(dt.tensor([1.0, 7.0]), [2], eps=0.0).tolist()
    [0.20000000298023224, 1.399999976158142]
)");
  op("rms_norm_grad(Tensor grad, Tensor input, int[] normalized_shape, Tensor? weight, float? eps) -> "
     "(Tensor grad_input, Tensor grad_weight)")
      .plain(infer_grad)
      .composite(in_float<rms_norm_grad_op>)
      .internal()
      .doc(R"(The gradients of `rms_norm` with respect to its input and weight.

With s = 1 / sqrt(mean(input ** 2) + eps), x = input * s and g = grad * weight:

    grad_input = s * (g - x * mean(g * x))
    grad_weight = sum over the batch of grad * x

Args:
    grad, input: of shape (*, *normalized_shape).
    normalized_shape, weight, eps: as for `rms_norm`.

Example:
    >>> grads = dt._core.get_op("rms_norm_grad")(dt.ones(1, 2), dt.tensor([[-1.0, 1.0]]), (2,), None, 0.0)
    >>> [grad.tolist() for grad in grads]
    [[[1.0, 1.0]], [-1.0, 1.0]]
)");
}

}  // namespace

void declare_norm() {
  op("layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> "
     "Tensor")
      .plain(infer_layer_norm)
      .composite(in_float<layer_norm_op>)
      .doc(R"(The input scaled to mean 0 and variance 1 over its last dims, then stretched and shifted.

    out = (input - mean) / sqrt(var + eps) * weight + bias

Args:
    input: of shape (*, *normalized_shape) and a floating-point dtype.
    normalized_shape: the last dims, over which mean and (population) variance are taken.
    weight, bias: of shape normalized_shape, or None.
    eps: what to add to the variance.

Example:
    >>> dt.layer_norm(dt.tensor([[-1.0, 1.0]]), (2,), eps=0.0).tolist()
    [[-1.0, 1.0]]
)");
  op("layer_norm_grad(Tensor grad, Tensor input, int[] normalized_shape, Tensor? weight, float eps) -> "
     "(Tensor grad_input, Tensor grad_weight, Tensor grad_bias)")
      .plain(infer_grad)
      .composite(in_float<layer_norm_grad_op>)
      .internal()
      .doc(R"(The gradients of `layer_norm` with respect to its input, weight and bias.

With x = (input - mean) / sqrt(var + eps) and g = grad * weight:

    grad_input = (g - mean(g) - x * mean(g * x)) / sqrt(var + eps)
    grad_weight = sum over the batch of grad * x
    grad_bias = sum over the batch of grad

Args:
    grad, input: of shape (*, *normalized_shape).
    normalized_shape, weight, eps: as for `layer_norm`.

Example:
    >>> grads = dt._core.get_op("layer_norm_grad")(dt.ones(1, 2), dt.tensor([[-1.0, 1.0]]), (2,), None, 0.0)
    >>> [grad.tolist() for grad in grads]
    [[[0.0, 0.0]], [-1.0, 1.0], [1.0, 1.0]]
)");
  declare_rms();
}

}  // namespace dovetail

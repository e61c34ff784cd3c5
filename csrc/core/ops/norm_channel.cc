// Normalisation of images and sequences (N, C, *) by channel: over the batch, with given statistics, by group.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("norm", schema); }

const Callee mean("mean"), var("var"), add("add"), sub("sub"), mul("mul"), div_("div"), rsqrt("rsqrt"), sum("sum"),
    channel_norm("channel_norm");

// ---- checks ---------------------------------------------------------------------------------------------

bool is_sixteen(DType dtype) { return dtype == DT_FLOAT16 || dtype == DT_BFLOAT16; }

// What belongs to channels is float32 beside an input of 16 bits, where it is not given otherwise.
DType of_channels(const TensorImpl& input) { return is_sixteen(input.dtype) ? DT_FLOAT32 : input.dtype; }

void check_input(const char* who, const TensorImpl& input) {
  if (input.ndim < 2) value_error(who, ": expected an input (N, C, *), got shape ", shape_text(input));
  if (!is_floating(input.dtype))
    type_error(who, ": input must have a floating-point dtype, got ", dtype_name(input.dtype));
}

// An entry a channel, of the input's dtype, or float32 beside 16 bits.
void check_vector(const char* who, const char* name, const dt_value& given, const TensorImpl& input) {
  if (given.tag == DT_NONE) return;
  const TensorImpl& t = *given.as.tensor;
  if (t.ndim != 1 || t.size(0) != input.size(1))
    value_error(who, ": ", name, " of shape ", shape_text(t), " does not fit ", input.size(1), " channels");
  if (t.dtype != of_channels(input)) check_same_dtype(who, "input", input, name, t);
}

void check_grad(const char* who, const TensorImpl& grad, const TensorImpl& input) {
  check_same_dtype(who, "grad", grad, "input", input);
  if (grad.ndim != input.ndim || !std::equal(input.sizes(), input.sizes() + input.ndim, grad.sizes()))
    value_error(who, ": grad and input must have one shape, got ", shape_text(grad), " and ", shape_text(input));
}

void check_groups(const char* who, const TensorImpl& input, int64_t groups) {
  check_input(who, input);
  if (groups <= 0 || input.size(1) % groups)
    value_error(who, ": num_groups must divide the ", input.size(1), " channels, got ", groups);
}

// ---- inference ------------------------------------------------------------------------------------------

void add_vectors(Inference& call, const TensorImpl& input, int first) {
  for (int k = first; k < call.op.n_outputs(); ++k) {
    call.outs[k].push(input.size(1));
    call.outs[k].dtype = of_channels(input);
  }
}

void infer_channel_norm(Inference& call) {  // (input, mean, var, weight, bias, eps)
  const TensorImpl& input = call.tensor(0);
  check_input(call.name(), input);
  for (int i = 1; i < 5; ++i) check_vector(call.name(), call.op.schema.args[i].name.c_str(), call.args[i], input);
  call.outs[0].like(input);
}

void infer_batch_norm(Inference& call) {  // (input, weight, bias, eps)
  const TensorImpl& input = call.tensor(0);
  check_input(call.name(), input);
  for (int i = 1; i < 3; ++i) check_vector(call.name(), call.op.schema.args[i].name.c_str(), call.args[i], input);
  call.outs[0].like(input);
  add_vectors(call, input, 1);
}

void infer_channel_norm_grad(Inference& call) {  // (grad, input, mean, var, weight, eps, training)
  const TensorImpl& input = call.tensor(1);
  check_input(call.name(), input);
  check_grad(call.name(), call.tensor(0), input);
  for (int i = 2; i < 5; ++i) check_vector(call.name(), call.op.schema.args[i].name.c_str(), call.args[i], input);
  call.outs[0].like(input);
  add_vectors(call, input, 1);
}

void infer_group_norm(Inference& call) {  // (input, num_groups, weight, bias, eps)
  const TensorImpl& input = call.tensor(0);
  check_groups(call.name(), input, call.integer(1));
  for (int i = 2; i < 4; ++i) check_vector(call.name(), call.op.schema.args[i].name.c_str(), call.args[i], input);
  call.outs[0].like(input);
}

void infer_group_norm_grad(Inference& call) {  // (grad, input, num_groups, weight, eps)
  const TensorImpl& input = call.tensor(1);
  check_groups(call.name(), input, call.integer(2));
  check_grad(call.name(), call.tensor(0), input);
  check_vector(call.name(), "weight", call.args[3], input);
  call.outs[0].like(input);
  add_vectors(call, input, 1);
}

// ---- decompositions -------------------------------------------------------------------------------------
// Those of 16 bits compute in float32 and round what has the input's dtype; what belongs to channels stays.

Tensor widened(const Tensor& t) { return t && is_sixteen(t->dtype) ? cast_to(t, DT_FLOAT32) : t; }

Tensor along_channels(const Tensor& vector, int ndim) {
  std::vector<int64_t> shape(ndim, 1);
  shape[1] = -1;
  return view_as(vector, shape);
}

std::vector<int64_t> all_but_channels(const Tensor& input) {
  std::vector<int64_t> dims{0};
  for (int i = 2; i < input->ndim; ++i) dims.push_back(i);
  return dims;
}

Tensor mapped(Tensor input, const Tensor& weight, const Tensor& bias) {
  if (weight) input = mul(input, along_channels(weight, input->ndim));
  return bias ? add(input, along_channels(bias, input->ndim)) : input;
}

void channel_norm_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor given = tensor(args[0]);
  check_input(op.name().c_str(), *given);
  for (int i = 1; i < 5; ++i) check_vector(op.name().c_str(), op.schema.args[i].name.c_str(), args[i], *given);
  const Tensor input = widened(given), weight = widened(tensor(args[3]));
  Tensor scale = rsqrt(add(widened(tensor(args[2])), number(real_number(args[5]))));
  if (weight) scale = mul(scale, weight);
  const Tensor centred = sub(input, along_channels(widened(tensor(args[1])), input->ndim));
  give(outs[0], cast_to(mapped(centred, scale, widened(tensor(args[4]))), given->dtype));
}

void batch_norm_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor given = tensor(args[0]), input = widened(given);
  check_input(op.name().c_str(), *given);
  const std::vector<int64_t> dims = all_but_channels(input);
  const Tensor middle = mean(input, dims), variance = var(input, dims, 0);
  give(outs[0], channel_norm(given, middle, variance, args[1], args[2], args[3]));
  give(outs[1], middle);
  give(outs[2], variance);
}

void channel_norm_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor given = tensor(args[1]), grad = widened(tensor(args[0])), input = widened(given);
  check_input(op.name().c_str(), *given);
  const Tensor weight = widened(tensor(args[4]));
  const int ndim = input->ndim;
  const std::vector<int64_t> dims = all_but_channels(input);
  const Tensor scale = rsqrt(add(widened(tensor(args[3])), number(real_number(args[5]))));
  const Tensor centred = sub(input, along_channels(widened(tensor(args[2])), ndim));
  const Tensor value = mul(centred, along_channels(scale, ndim));
  const Tensor grad_weight = sum(mul(grad, value), dims), grad_bias = sum(grad, dims);
  Tensor g = grad;
  if (args[6].as.i) {
    const Tensor count = number(static_cast<double>(extent(*input, dims)));
    const Tensor along = mul(value, along_channels(div_(grad_weight, count), ndim));
    g = sub(sub(g, along_channels(div_(grad_bias, count), ndim)), along);
  }
  g = mul(g, along_channels(weight ? mul(scale, weight) : scale, ndim));
  give(outs[0], cast_to(g, given->dtype));
  give(outs[1], grad_weight);
  give(outs[2], grad_bias);
}

// The groups of every sample with mean 0 and variance 1, as (N, groups, elements).
struct Groups {
  std::vector<int64_t> shape, last{2};
  Tensor scale, value;

  Groups(const Tensor& input, int64_t groups, double eps) {
    int64_t elements = input->size(1) / groups;
    for (int i = 2; i < input->ndim; ++i) elements *= input->size(i);
    shape = {input->size(0), groups, elements};
    const Tensor flat = view_as(input, shape);
    scale = rsqrt(add(var(flat, last, 0, true), number(eps)));
    value = mul(sub(flat, mean(flat, last, true)), scale);
  }
};

void group_norm_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor given = tensor(args[0]), input = widened(given);
  check_groups(op.name().c_str(), *given, args[1].as.i);
  for (int i = 2; i < 4; ++i) check_vector(op.name().c_str(), op.schema.args[i].name.c_str(), args[i], *given);
  const Tensor value = Groups(input, args[1].as.i, real_number(args[4])).value;
  const Tensor result = mapped(view_as(value, sizes_of(*input)), widened(tensor(args[2])), widened(tensor(args[3])));
  give(outs[0], cast_to(result, given->dtype));
}

void group_norm_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor given = tensor(args[1]), grad = widened(tensor(args[0])), input = widened(given);
  check_groups(op.name().c_str(), *given, args[2].as.i);
  const Groups n(input, args[2].as.i, real_number(args[4]));
  const std::vector<int64_t> dims = all_but_channels(input), sizes = sizes_of(*input);
  const Tensor h = view_as(mapped(grad, widened(tensor(args[3])), Tensor()), n.shape);
  const Tensor along = mul(n.value, mean(mul(h, n.value), n.last, true));
  const Tensor g = mul(n.scale, sub(sub(h, mean(h, n.last, true)), along));
  give(outs[0], cast_to(view_as(g, sizes), given->dtype));
  give(outs[1], sum(mul(grad, view_as(n.value, sizes)), dims));
  give(outs[2], sum(grad, dims));
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_batch() {
  op("channel_norm(Tensor input, Tensor mean, Tensor var, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> "
     "Tensor")
      .plain(infer_channel_norm)
      .composite(channel_norm_op)
      .doc(R"(The input with each channel (dim 1) scaled by the given mean and variance, then stretched and shifted.

    out = (input - mean) / sqrt(var + eps) * weight + bias

Args:
    input: of shape (N, C, *) and a floating-point dtype.
    mean, var, weight, bias: of shape (C,) and the input's dtype, or float32 beside an input of 16 bits.
    eps: what to add to the variance.

Example:
    >>> dt.channel_norm(dt.tensor([[1.0], [3.0]]), dt.tensor([2.0]), dt.tensor([1.0]), eps=0.0).tolist()
    [[-1.0], [1.0]]
)");
  op("batch_norm_train(Tensor input, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> "
     "(Tensor output, Tensor mean, Tensor var)")
      .plain(infer_batch_norm)
      .composite(batch_norm_op)
      .internal()
      .doc(R"(`channel_norm` with the mean and the (population) variance of each channel over the batch.

    out = (input - mean) / sqrt(var + eps) * weight + bias

Args:
    input: of shape (N, C, *) and a floating-point dtype.
    weight, bias: of shape (C,), or None.
    eps: what to add to the variance.

Returns:
    The result, and mean and variance of shape (C,).

Example:
    >>> [t.tolist() for t in dt._core.get_op("batch_norm_train")(dt.tensor([[1.0], [3.0]]), eps=0.0)]
    [[[-1.0], [1.0]], [2.0], [1.0]]
)");
  op("channel_norm_grad(Tensor grad, Tensor input, Tensor mean, Tensor var, Tensor? weight, float eps, bool training) "
     "-> (Tensor grad_input, Tensor grad_weight, Tensor grad_bias)")
      .plain(infer_channel_norm_grad)
      .composite(channel_norm_grad_op)
      .internal()
      .doc(R"(The gradients of `channel_norm` and `batch_norm_train` with respect to input, weight and bias.

With s = 1 / sqrt(var + eps) and x = (input - mean) * s:

    grad_weight = sum of grad * x
    grad_bias = sum of grad
    grad_input = grad * s * weight, or (grad - mean of grad - x * mean of grad * x) * s * weight   when training

where sums and means are over all dims but the channels.

Args:
    grad, input: of shape (N, C, *).
    mean, var, weight, eps: as for `channel_norm`.
    training: whether mean and var are those of the input, and change with it.

Example:
    >>> x, one = dt.tensor([[-1.0], [1.0]]), dt.ones(1)
    >>> grads = dt._core.get_op("channel_norm_grad")(dt.ones(2, 1), x, 0 * one, one, None, 0.0, True)
    >>> [grad.tolist() for grad in grads]
    [[[0.0], [0.0]], [0.0], [2.0]]
)");
}

void declare_group() {
  op("group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor")
      .plain(infer_group_norm)
      .composite(group_norm_op)
      .doc(R"(Groups of channels of every sample scaled to mean 0 and variance 1, then an affine map of the channels.

    out = (input - mean) / sqrt(var + eps) * weight + bias

Args:
    input: of shape (N, C, *) and a floating-point dtype.
    num_groups: into how many groups of neighbours the channels fall; a divisor of C.
    weight, bias: of shape (C,), or None.
    eps: what to add to the (population) variance.

Source: Wu and He, "Group Normalization", arXiv:1803.08494.

Example:
    >>> dt.group_norm(dt.tensor([[1.0, 3.0, 2.0, 6.0]]), 2, eps=0.0).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
)");
  op("group_norm_grad(Tensor grad, Tensor input, int num_groups, Tensor? weight, float eps) -> "
     "(Tensor grad_input, Tensor grad_weight, Tensor grad_bias)")
      .plain(infer_group_norm_grad)
      .composite(group_norm_grad_op)
      .internal()
      .doc(R"(The gradients of `group_norm` with respect to its input, weight and bias.

With s = 1 / sqrt(var + eps) and x = (input - mean) * s of the group, and g = grad * weight:

    grad_input = s * (g - mean(g) - x * mean(g * x))
    grad_weight = sum over all dims but the channels of grad * x
    grad_bias = sum over all dims but the channels of grad

Args:
    grad, input: of shape (N, C, *).
    num_groups, weight, eps: as for `group_norm`.

Example:
    >>> grads = dt._core.get_op("group_norm_grad")(dt.ones(1, 2), dt.tensor([[-1.0, 1.0]]), 1, None, 0.0)
    >>> [grad.tolist() for grad in grads]
    [[[0.0, 0.0]], [-1.0, 1.0], [1.0, 1.0]]
)");
}

}  // namespace

void declare_norm_channel() {
  declare_batch();
  declare_group();
}

}  // namespace dovetail

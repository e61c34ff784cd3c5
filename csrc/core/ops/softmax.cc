// softmax, log_softmax and their gradients.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("softmax", schema); }

const Callee amax("amax"), sub("sub"), exp_("exp"), log_("log"), sum("sum"), div_("div"), mul("mul"), detach_("detach");

// ---- inference ------------------------------------------------------------------------------------------

DType softmax_dtype(const char* who, const TensorImpl& self, const dt_value& asked) {
  const DType dtype = dtype_or(asked, self.dtype);
  if (!is_floating(dtype))
    type_error(who, ": expected a floating-point dtype, got ", dtype_name(dtype), "; pass dtype=dt.float32");
  return dtype;
}

void infer_softmax(Inference& call) {  // (self, dim, *, dtype)
  const TensorImpl& self = call.tensor(0);
  call.compute = softmax_dtype(call.name(), self, call.args[2]);
  call.dim(1, self.ndim);
  call.outs[0].like(self);
  call.outs[0].dtype = call.compute;
}

void infer_softmax_grad(Inference& call) {  // (grad, output, dim)
  const TensorImpl &grad = call.tensor(0), &output = call.tensor(1);
  check_same_dtype(call.name(), "grad", grad, "output", output);
  check_floating(call.name(), "grad", grad);
  if (grad.ndim != output.ndim || !std::equal(grad.sizes(), grad.sizes() + grad.ndim, output.sizes()))
    value_error(call.name(), ": grad and output must have one shape, got ", shape_text(grad), " and ",
                shape_text(output));
  call.dim(2, grad.ndim);
  call.outs[0].like(grad);
}

// ---- decompositions -------------------------------------------------------------------------------------

struct Rows {
  Tensor self;
  std::vector<int64_t> dim;

  Rows(const Op& op, const dt_value* args) : self(tensor(args[0])) {
    const char* who = op.name().c_str();
    self = cast_to(self, softmax_dtype(who, *self, args[2]));
    dim = {wrap_dim(who, args[1].as.i, self->ndim)};
  }
  // The largest of each row taken away, so that no exponential overflows. It cancels out: no gradient flows through it.
  Tensor shifted() const { return sub(self, amax(detach_(self), dim, true)); }
};

void softmax_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Rows rows(op, args);
  if (rows.self->numel == 0) return give(outs[0], exp_(rows.self));
  const Tensor e = exp_(rows.shifted());
  give(outs[0], div_(e, sum(e, rows.dim, true)));
}

void log_softmax_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Rows rows(op, args);
  if (rows.self->numel == 0) return give(outs[0], exp_(rows.self));
  const Tensor shifted = rows.shifted();
  give(outs[0], sub(shifted, log_(sum(exp_(shifted), rows.dim, true))));
}

void softmax_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), output = tensor(args[1]);
  const std::vector<int64_t> dim{wrap_dim(op.name().c_str(), args[2].as.i, grad->ndim)};
  const Tensor weighted = mul(grad, output);
  give(outs[0], sub(weighted, mul(output, sum(weighted, dim, true))));
}

void log_softmax_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), output = tensor(args[1]);
  const std::vector<int64_t> dim{wrap_dim(op.name().c_str(), args[2].as.i, grad->ndim)};
  give(outs[0], sub(grad, mul(exp_(output), sum(grad, dim, true))));
}

}  // namespace

void declare_softmax() {
  op("softmax(Tensor self, int dim, DType? dtype=None) -> Tensor")
      .plain(infer_softmax)
      .composite(in_float<softmax_op>)
      .method()
      .out()
      .doc(R"(The exponentials of the elements along a dim, scaled to add up to one.

    out_i = e ** self_i / sum_j e ** self_j

Args:
    self: a tensor of any shape and a floating-point dtype.
    dim: the dim to normalise along.
    dtype: what to convert to first.

Example:
    >>> dt.softmax(dt.tensor([0.0, 0.0]), dim=0).tolist()
    [0.5, 0.5]
)");
  op("log_softmax(Tensor self, int dim, DType? dtype=None) -> Tensor")
      .plain(infer_softmax)
      .composite(in_float<log_softmax_op>)
      .method()
      .out()
      .doc(R"(The logarithm of `softmax`, exact where that would underflow.

    out_i = self_i - log(sum_j e ** self_j)

Args:
    self: a tensor of any shape and a floating-point dtype.
    dim: the dim to normalise along.
    dtype: what to convert to first.

Example:
    >>> dt.log_softmax(dt.tensor([5.0]), dim=0).tolist()
    [0.0]
)");
  op("softmax_grad(Tensor grad, Tensor output, int dim) -> Tensor")
      .plain(infer_softmax_grad)
      .composite(in_float<softmax_grad_op>)
      .internal()
      .doc(R"(The gradient of `softmax` with respect to its input.

    out_i = output_i * (grad_i - sum_j grad_j * output_j)

Args:
    grad, output: of one shape and dtype: the gradient of softmax's result, and that result.
    dim: the dim that was normalised.

Example:
    >>> dt._core.get_op("softmax_grad")(dt.tensor([1.0, 0.0]), dt.tensor([0.5, 0.5]), 0).tolist()
    [0.25, -0.25]
)");
  op("log_softmax_grad(Tensor grad, Tensor output, int dim) -> Tensor")
      .plain(infer_softmax_grad)
      .composite(in_float<log_softmax_grad_op>)
      .internal()
      .doc(R"(The gradient of `log_softmax` with respect to its input.

    out_i = grad_i - e ** output_i * sum_j grad_j

Args:
    grad, output: of one shape and dtype: the gradient of log_softmax's result, and that result.
    dim: the dim that was normalised.

Example:
    >>> dt._core.get_op("log_softmax_grad")(dt.tensor([2.0]), dt.tensor([0.0]), 0).tolist()
    [0.0]
)");
}

}  // namespace dovetail

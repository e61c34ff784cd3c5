// Activation functions with kernels of their own, and the gradients of the common ones.
#include <cstring>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("activation", schema); }

const Callee add("add"), sub("sub"), mul("mul"), exp_("exp"), erf_("erf"), tanh_("tanh"), sigmoid("sigmoid"),
    square("square"), where("where"), gt("gt");

constexpr double kSqrtHalf = 0.70710678118654752440;       // sqrt(1 / 2)
constexpr double kSqrtTwoOverPi = 0.79788456080286535588;  // sqrt(2 / pi)
constexpr double kInvSqrtTwoPi = 0.39894228040143267794;   // 1 / sqrt(2 * pi)
constexpr double kCubic = 0.044715;

// ---- gelu -----------------------------------------------------------------------------------------------

bool is_tanh(const char* who, const dt_value& approximate) {
  const char* name = approximate.as.string;
  if (std::strcmp(name, "tanh") == 0) return true;
  if (std::strcmp(name, "none") != 0) value_error(who, ": approximate must be 'none' or 'tanh', got '", name, "'");
  return false;
}

void check_activation(const char* who, const dt_value& self) {
  const DType dtype = self.as.tensor->dtype;
  if (!is_floating(dtype) && !(self.as.tensor->bits & DT_BIT_WRAPPED))
    type_error(who, ": expected a floating-point dtype, got ", dtype_name(dtype), "; convert with .to(dt.float32)");
}

Result gelu_result(const dt_value* args) {
  is_tanh("gelu", args[1]);
  check_activation("gelu", args[0]);
  return Result::floating;
}

Result gelu_grad_result(const dt_value* args) {
  is_tanh("gelu_grad", args[2]);
  return Result::floating;
}

Result silu_result(const dt_value* args) {
  if (!is_complex(args[0].as.tensor->dtype)) check_activation("silu", args[0]);
  return Result::floating;
}

// tanh(sqrt(2 / pi) * (x + 0.044715 x^3))
Tensor gelu_tanh(const Tensor& x) {
  const Tensor inner = add(x, mul(mul(square(x), x), number(kCubic)));
  return tanh_(mul(inner, number(kSqrtTwoOverPi)));
}

void gelu_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  check_activation(op.name().c_str(), args[0]);
  const Tensor x = tensor(args[0]);
  const Tensor side = is_tanh(op.name().c_str(), args[1]) ? gelu_tanh(x) : erf_(mul(x, number(kSqrtHalf)));
  give(outs[0], mul(mul(x, number(0.5)), add(side, number(1.0))));
}

void gelu_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), x = tensor(args[1]);
  if (is_tanh(op.name().c_str(), args[2])) {
    const Tensor t = gelu_tanh(x);
    // The inner function's derivative: sqrt(2 / pi) * (1 + 3 * 0.044715 x^2)
    const Tensor inner = add(mul(square(x), number(3 * kCubic * kSqrtTwoOverPi)), number(kSqrtTwoOverPi));
    const Tensor bend = mul(mul(x, sub(number(1.0), square(t))), inner);
    return give(outs[0], mul(grad, mul(add(add(t, number(1.0)), bend), number(0.5))));
  }
  const Tensor cdf = mul(add(erf_(mul(x, number(kSqrtHalf))), number(1.0)), number(0.5));
  const Tensor pdf = mul(exp_(mul(square(x), number(-0.5))), number(kInvSqrtTwoPi));
  give(outs[0], mul(grad, add(cdf, mul(x, pdf))));
}

// ---- the others -----------------------------------------------------------------------------------------

void silu_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  if (!is_complex(args[0].as.tensor->dtype)) check_activation(op.name().c_str(), args[0]);
  const Tensor x = tensor(args[0]);
  give(outs[0], mul(x, sigmoid(x)));
}

void silu_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), x = tensor(args[1]);
  const Tensor s = sigmoid(x);
  give(outs[0], mul(mul(grad, s), add(mul(x, sub(number(1.0), s)), number(1.0))));
}

void sigmoid_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor grad = tensor(args[0]), output = tensor(args[1]);
  give(outs[0], mul(grad, mul(output, sub(number(1.0), output))));
}

void tanh_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], mul(tensor(args[0]), sub(number(1.0), square(tensor(args[1])))));
}

void relu_grad_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], where(gt(tensor(args[1]), number(0)), tensor(args[0]), number(0)));
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_functions() {
  op("gelu(Tensor self, *, str approximate=\"none\") -> Tensor")
      .elementwise(Result::floating)
      .result_by(gelu_result)
      .composite(gelu_op)
      .internal()
      .doc(R"(The Gaussian error linear unit of every element.

    out = self * (1 + erf(self / sqrt(2))) / 2
    out = self * (1 + tanh(sqrt(2 / pi) * (self + 0.044715 * self ** 3))) / 2   for approximate='tanh'

Args:
    self: a tensor of any shape and a floating-point dtype.
    approximate: 'none' or 'tanh'.

Example:
    >>> dt._core.get_op("gelu")(dt.tensor([0.0])).tolist()
    [0.0]
)");
  op("silu(Tensor self) -> Tensor")
      .elementwise(Result::floating)
      .result_by(silu_result)
      .composite(silu_op)
      .internal()
      .inplace()
      .doc(R"(The sigmoid linear unit, or swish, of every element.

    out = self / (1 + e ** -self)

Args:
    self: a tensor of any shape and a floating-point dtype.

Example:
    >>> dt._core.get_op("silu")(dt.tensor([0.0])).tolist()
    [0.0]
)");
}

void gradient(const char* schema, CompositeFn composite, const char* doc, Result (*decide)(const dt_value*) = nullptr) {
  Declare declaration("activation", schema);
  declaration.elementwise(Result::floating).composite(composite).internal().doc(doc);
  if (decide) declaration.result_by(decide);
}

void declare_gradients() {
  gradient("gelu_grad(Tensor grad, Tensor self, *, str approximate=\"none\") -> Tensor", gelu_grad_op,
           R"(The gradient of `gelu` with respect to its input.

    out = grad * (cdf(self) + self * pdf(self))   of the normal distribution; for approximate='tanh', of that formula

Args:
    grad, self: of one shape: the gradient of the result, and the input.
    approximate: 'none' or 'tanh'.

Example:
    >>> dt._core.get_op("gelu_grad")(dt.ones(1), dt.zeros(1)).tolist()
    [0.5]
)",
           gelu_grad_result);
  gradient("silu_grad(Tensor grad, Tensor self) -> Tensor", silu_grad_op,
           R"(The gradient of `silu` with respect to its input.

    out = grad * s * (1 + self * (1 - s)),  s = sigmoid(self)

Args:
    grad, self: of one shape: the gradient of the result, and the input.

Example:
    >>> dt._core.get_op("silu_grad")(dt.ones(1), dt.zeros(1)).tolist()
    [0.5]
)");
  gradient("sigmoid_grad(Tensor grad, Tensor output) -> Tensor", sigmoid_grad_op,
           R"(The gradient of `sigmoid` with respect to its input.

    out = grad * output * (1 - output)

Args:
    grad, output: of one shape: the gradient of the result, and the result.

Example:
    >>> dt._core.get_op("sigmoid_grad")(dt.ones(1), dt.tensor([0.5])).tolist()
    [0.25]
)");
  gradient("tanh_grad(Tensor grad, Tensor output) -> Tensor", tanh_grad_op,
           R"(The gradient of `tanh` with respect to its input.

    out = grad * (1 - output ** 2)

Args:
    grad, output: of one shape: the gradient of the result, and the result.

Example:
    >>> dt._core.get_op("tanh_grad")(dt.ones(1), dt.tensor([0.5])).tolist()
    [0.75]
)");
  gradient("relu_grad(Tensor grad, Tensor output) -> Tensor", relu_grad_op,
           R"(The gradient of `relu` with respect to its input.

    out = grad if output > 0 else 0

Args:
    grad, output: of one shape: the gradient of the result, and the result.

Example:
    >>> dt._core.get_op("relu_grad")(dt.ones(2), dt.tensor([0.0, 3.0])).tolist()
    [0.0, 1.0]
)");
}

}  // namespace

void declare_activation() {
  declare_functions();
  declare_gradients();
}

}  // namespace dovetail

// The gradients of nn's activation functions, and prelu. PyTorch's values at the kinks.
#include <cstring>

#include "core/ops/compose.h"
#include "core/ops/docs.h"

namespace dovetail {

namespace {

const Callee add("add"), sub("sub"), mul("mul"), div_("div"), exp_("exp"), abs_("abs"), tanh_("tanh"),
    sigmoid("sigmoid"), square("square"), clamp("clamp"), where("where"), gt("gt"), lt("lt"), le("le"), ge("ge"),
    logical_or("logical_or"), logical_and("logical_and"), reciprocal("reciprocal"), neg("neg");

// Args 0 and 1 of a gradient op are the gradient and the input, the others numbers.
struct Call {
  const Tensor grad, x;
  const dt_value* args;

  explicit Call(const dt_value* args) : grad(tensor(args[0])), x(tensor(args[1])), args(args) {}
  Tensor of(int i) const { return number(real_number(args[i])); }
  Tensor zero_where(const Tensor& condition) const { return where(condition, number(0), grad); }
};

// ---- of straight pieces ---------------------------------------------------------------------------------

Tensor hardtanh_grad(const Call& c) { return c.zero_where(logical_or(le(c.x, c.of(2)), ge(c.x, c.of(3)))); }
Tensor hardsigmoid_grad(const Call& c) {
  const Tensor inside = logical_and(gt(c.x, number(-3.0)), lt(c.x, number(3.0)));
  return where(inside, div_(c.grad, number(6.0)), number(0));
}
Tensor hardswish_grad(const Call& c) {
  const Tensor slope = where(lt(c.x, number(3.0)), add(div_(c.x, number(3.0)), number(0.5)), number(1.0));
  return mul(c.grad, where(le(c.x, number(-3.0)), number(0), slope));
}
Tensor leaky_relu_grad(const Call& c) { return where(gt(c.x, number(0)), c.grad, mul(c.grad, c.of(2))); }
Tensor threshold_grad(const Call& c) { return c.zero_where(le(c.x, c.of(2))); }
Tensor shrink_grad(const Call& c) { return c.zero_where(le(abs_(c.x), c.of(2))); }

// ---- smooth ---------------------------------------------------------------------------------------------

Tensor elu_grad(const Call& c) {  // (grad, self, negative, positive, rate)
  const double negative = real_number(c.args[2]), rate = real_number(c.args[4]);
  const Tensor low = clamp(c.x, nullptr, number(0.0));  // no infinity where the other branch is taken
  const Tensor below = mul(exp_(mul(low, number(rate))), number(negative * rate));
  return mul(c.grad, where(gt(c.x, number(0)), c.of(3), below));
}
Tensor softplus_grad(const Call& c) {
  const Tensor scaled = mul(c.x, c.of(2));
  return where(gt(scaled, c.of(3)), c.grad, mul(c.grad, sigmoid(scaled)));
}
Tensor logsigmoid_grad(const Call& c) { return mul(c.grad, sigmoid(neg(c.x))); }
// With e = e**x and n = e * (e + 2): n / (n + 2) + x * 4 * e * (e + 1) / (n + 2)**2. From x = 20 on it is 1.
Tensor mish_grad(const Call& c) {
  const Tensor x = clamp(c.x, nullptr, number(20.0)), e = exp_(x), n = mul(e, add(e, number(2.0)));
  const Tensor inverse = reciprocal(add(n, number(2.0)));
  const Tensor bend = mul(mul(mul(e, add(e, number(1.0))), square(inverse)), mul(x, number(4.0)));
  return mul(c.grad, add(mul(n, inverse), where(ge(c.x, number(20.0)), number(0), bend)));
}
Tensor softsign_grad(const Call& c) { return div_(c.grad, square(add(abs_(c.x), number(1.0)))); }
Tensor tanhshrink_grad(const Call& c) { return mul(c.grad, square(tanh_(c.x))); }

// ---- huber ----------------------------------------------------------------------------------------------

void huber_of(const Op&, const dt_value* args, int, dt_value* outs, int) {  // (self, target, delta, scale)
  const double delta = real_number(args[2]);
  const Tensor d = sub(tensor(args[0]), tensor(args[1])), c = clamp(d, number(-delta), number(delta));
  give(outs[0], mul(mul(c, number(real_number(args[3]))), sub(d, mul(c, number(0.5)))));
}

// ---- prelu ----------------------------------------------------------------------------------------------

Tensor prelu_of(const dt_value* args) {
  const Tensor x = tensor(args[0]), weight = tensor(args[1]);
  return where(gt(x, number(0)), x, mul(x, weight));
}
Tensor prelu_grad(const dt_value* args) {
  const Tensor grad = tensor(args[0]);
  return where(gt(tensor(args[1]), number(0)), grad, mul(grad, tensor(args[2])));
}
Tensor prelu_weight_grad(const dt_value* args) {
  const Tensor x = tensor(args[1]);
  return where(gt(x, number(0)), number(0), mul(tensor(args[0]), x));
}

// ---- declarations ---------------------------------------------------------------------------------------

std::string name_of(const char* schema) { return std::string(schema, std::strchr(schema, '(') - schema); }

void declare(const char* schema, CompositeFn composite, const std::string& summary, const std::string& formula,
             const std::string& args, const std::string& call, const char* result) {
  const std::string line = "dt._core.get_op(\"" + name_of(schema) + "\")(" + call + ")";
  Declare("activation", schema)
      .elementwise(Result::floating)
      .composite(composite)
      .internal()
      .doc(doc_text(summary, formula, args, example_line(line, result)).c_str());
}

// `numbers` are those of the schema and of the example's call alike; the example has grad = 1.
template <Tensor (*kFormula)(const Call&)>
void gradient(const char* of, const char* schema, const char* formula, const char* numbers, const char* at,
              const char* result) {
  std::string args = "grad, self: of one shape: the gradient of the result, and the input.";
  if (*numbers) args += "\nothers: the numbers of that call.";
  const std::string call = std::string("dt.ones(1), dt.tensor([") + at + "])" + (*numbers ? ", " : "") + numbers;
  declare(
      schema, [](const Op&, const dt_value* args, int, dt_value* outs, int) { give(outs[0], kFormula(Call(args))); },
      std::string("The gradient of ") + of + " with respect to its input.", formula, args, call, result);
}

template <Tensor (*kFormula)(const dt_value*)>
void of_prelu(const char* schema, const char* summary, const char* formula, const char* call, const char* result) {
  declare(
      schema, [](const Op&, const dt_value* args, int, dt_value* outs, int) { give(outs[0], kFormula(args)); }, summary,
      formula,
      "self: the input.\nweight: the slope where it is not positive; broadcast against it.\n"
      "grad: the gradient of the result.",
      call, result);
}

void declare_straight() {
  gradient<hardtanh_grad>("`hardtanh`, and of `relu6`,",
                          "hardtanh_grad(Tensor grad, Tensor self, float min_val, float max_val) -> Tensor",
                          "out = grad if min_val < self < max_val else 0", "-1.0, 1.0", "0.5", "[1.0]");
  gradient<hardsigmoid_grad>("`hardsigmoid`", "hardsigmoid_grad(Tensor grad, Tensor self) -> Tensor",
                             "out = grad / 6 if -3 < self < 3 else 0", "", "3.0", "[0.0]");
  gradient<hardswish_grad>("`hardswish`", "hardswish_grad(Tensor grad, Tensor self) -> Tensor",
                           "out = grad * (self / 3 + 1 / 2); 0 from -3 down, grad from 3 up", "", "3.0", "[1.0]");
  gradient<leaky_relu_grad>("`leaky_relu`", "leaky_relu_grad(Tensor grad, Tensor self, float negative_slope) -> Tensor",
                            "out = grad if self > 0 else grad * negative_slope", "0.5", "0.0", "[0.5]");
  gradient<threshold_grad>("`threshold`", "threshold_grad(Tensor grad, Tensor self, float threshold) -> Tensor",
                           "out = 0 if self <= threshold else grad", "0.5", "0.5", "[0.0]");
  gradient<shrink_grad>("`softshrink`, and of `hardshrink`,",
                        "shrink_grad(Tensor grad, Tensor self, float lambd) -> Tensor",
                        "out = 0 if abs(self) <= lambd else grad", "0.5", "0.5", "[0.0]");
}

void declare_smooth() {
  gradient<elu_grad>("`elu`, of `celu` and of `selu`",
                     "elu_grad(Tensor grad, Tensor self, float negative, float positive, float rate) -> Tensor",
                     "out = grad * positive if self > 0 else grad * negative * rate * e ** (self * rate)",
                     "0.5, 1.0, 1.0", "0.0", "[0.5]");
  gradient<softplus_grad>(
      "`softplus`", "softplus_grad(Tensor grad, Tensor self, float beta, float threshold) -> Tensor",
      "out = grad * sigmoid(self * beta), or grad where self * beta > threshold", "1.0, 20.0", "0.0", "[0.5]");
  gradient<logsigmoid_grad>("`logsigmoid`", "logsigmoid_grad(Tensor grad, Tensor self) -> Tensor",
                            "out = grad * sigmoid(-self)", "", "0.0", "[0.5]");
  gradient<mish_grad>("`mish`", "mish_grad(Tensor grad, Tensor self) -> Tensor",
                      "out = grad * (t + self * sigmoid(self) * (1 - t ** 2)),  t = tanh(log(1 + e ** self))", "",
                      "30.0", "[1.0]");
  gradient<softsign_grad>("`softsign`", "softsign_grad(Tensor grad, Tensor self) -> Tensor",
                          "out = grad / (1 + abs(self)) ** 2", "", "1.0", "[0.25]");
  gradient<tanhshrink_grad>("`tanhshrink`", "tanhshrink_grad(Tensor grad, Tensor self) -> Tensor",
                            "out = grad * tanh(self) ** 2", "", "0.0", "[0.0]");
}

void declare_prelu() {
  of_prelu<prelu_of>("prelu_of(Tensor self, Tensor weight) -> Tensor", "`prelu`, with weights that broadcast.",
                     "out = self if self > 0 else self * weight", "dt.tensor([-1.0, 2.0]), dt.tensor(0.5)",
                     "[-0.5, 2.0]");
  of_prelu<prelu_grad>("prelu_grad(Tensor grad, Tensor self, Tensor weight) -> Tensor",
                       "The gradient of `prelu_of` with respect to its input.",
                       "out = grad if self > 0 else grad * weight",
                       "dt.ones(2), dt.tensor([-1.0, 2.0]), dt.tensor(0.5)", "[0.5, 1.0]");
  of_prelu<prelu_weight_grad>("prelu_weight_grad(Tensor grad, Tensor self) -> Tensor",
                              "The gradient of `prelu_of` with respect to its weight, before the sum over what it "
                              "was broadcast to.",
                              "out = 0 if self > 0 else grad * self", "dt.ones(2), dt.tensor([-1.0, 2.0])",
                              "[-1.0, 0.0]");
}

void declare_huber() {
  declare("huber_of(Tensor self, Tensor target, float delta, float scale) -> Tensor", huber_of,
          "What `huber_loss` and `smooth_l1_loss` are the mean of.",
          "out = c * (d - c / 2) * scale,  d = self - target,  c = d within [-delta, delta]",
          "self, target: of one shape.\ndelta: positive.\nscale: a factor.",
          "dt.tensor([0.5, 2.0]), dt.zeros(2), 1.0, 1.0", "[0.125, 1.5]");
}

}  // namespace

void declare_activation_grad() {
  declare_huber();
  declare_straight();
  declare_smooth();
  declare_prelu();
}

}  // namespace dovetail

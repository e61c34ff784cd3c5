// Activation functions with gradients of their own, which record their decompositions. Forward, too, the derivative is
// the gradient op's: at a kink both are the same.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

const Op gelu_grad{"gelu_grad"}, silu_grad{"silu_grad"};
const Op hardtanh_grad{"hardtanh_grad"}, hardsigmoid_grad{"hardsigmoid_grad"}, hardswish_grad{"hardswish_grad"},
    leaky_relu_grad{"leaky_relu_grad"}, threshold_grad{"threshold_grad"}, shrink_grad{"shrink_grad"},
    elu_grad{"elu_grad"}, softplus_grad{"softplus_grad"}, logsigmoid_grad{"logsigmoid_grad"}, mish_grad{"mish_grad"},
    softsign_grad{"softsign_grad"}, tanhshrink_grad{"tanhshrink_grad"};
const Op prelu_grad{"prelu_grad"}, prelu_weight_grad{"prelu_weight_grad"};

constexpr double kSeluAlpha = 1.6732632423543772848, kSeluScale = 1.0507009873554804934;

// The derivative of an op's result by its first argument, times g, which is a gradient or a tangent.
using Along = Tensor (*)(Ctx& c, const Tensor& g);

template <Along along>
void activation(const char* op, Saves saved = saves(0)) {
  vjp(op, 0, saved, [](Ctx& c) { return along(c, c.g()); });
  jvp(op, [](Ctx& c) { return tangents(along(c, c.t(0))); });
}

enum { self, first, second };  // numbers follow the tensor

// The result lies within the limits where the argument does.
Tensor by_hardtanh(Ctx& c, const Tensor& g) { return hardtanh_grad(g, c[result], c.value(first), c.value(second)); }
Tensor by_relu6(Ctx& c, const Tensor& g) { return hardtanh_grad(g, c[result], 0.0, 6.0); }
Tensor by_hardsigmoid(Ctx& c, const Tensor& g) { return hardsigmoid_grad(g, c[self]); }
Tensor by_hardswish(Ctx& c, const Tensor& g) { return hardswish_grad(g, c[self]); }
Tensor by_leaky_relu(Ctx& c, const Tensor& g) { return leaky_relu_grad(g, c[self], c.value(first)); }
Tensor by_threshold(Ctx& c, const Tensor& g) { return threshold_grad(g, c[self], c.value(first)); }
Tensor by_shrinking(Ctx& c, const Tensor& g) { return shrink_grad(g, c[self], c.value(first)); }
Tensor by_elu(Ctx& c, const Tensor& g) { return elu_grad(g, c[self], c.value(first), 1.0, 1.0); }
Tensor by_celu(Ctx& c, const Tensor& g) { return elu_grad(g, c[self], c.value(first), 1.0, 1 / c.number(first)); }
Tensor by_selu(Ctx& c, const Tensor& g) { return elu_grad(g, c[self], kSeluAlpha * kSeluScale, kSeluScale, 1.0); }
Tensor by_softplus(Ctx& c, const Tensor& g) { return softplus_grad(g, c[self], c.value(first), c.value(second)); }
Tensor by_logsigmoid(Ctx& c, const Tensor& g) { return logsigmoid_grad(g, c[self]); }
Tensor by_mish(Ctx& c, const Tensor& g) { return mish_grad(g, c[self]); }
Tensor by_softsign(Ctx& c, const Tensor& g) { return softsign_grad(g, c[self]); }
Tensor by_tanhshrink(Ctx& c, const Tensor& g) { return tanhshrink_grad(g, c[self]); }

// The difference of two tensors, within delta on either side, times the scale.
Tensor by_huber(Ctx& c) {
  enum { target = 1, delta, scale };
  static const Op hardtanh{"hardtanh"};
  const Tensor difference = hardtanh(c[self] - c[target], -c.number(delta), c.number(delta));
  return scaled(c.g(), c.number(scale)) * difference;
}

}  // namespace

void declare_activation() {
  vjp("huber_of", 0, saves(0, 1), by_huber);
  vjp("huber_of", 1, saves(0, 1), [](Ctx& c) { return -by_huber(c); });
  enum { self, approximate, weight = 1 };
  vjp("gelu", self, saves(self), [](Ctx& c) { return gelu_grad(c.g(), c[self], c.value(approximate)); });
  vjp("silu", self, saves(self), [](Ctx& c) { return silu_grad(c.g(), c[self]); });
  vjp("prelu_of", self, saves(self, weight), [](Ctx& c) { return prelu_grad(c.g(), c[self], c[weight]); });
  vjp("prelu_of", weight, saves(self), [](Ctx& c) { return prelu_weight_grad(c.g(), c[self]); });
  activation<by_hardtanh>("hardtanh", saves(result));
  activation<by_relu6>("relu6", saves(result));
  activation<by_hardsigmoid>("hardsigmoid");
  activation<by_hardswish>("hardswish");
  activation<by_leaky_relu>("leaky_relu");
  activation<by_threshold>("threshold");
  activation<by_shrinking>("softshrink");
  activation<by_shrinking>("hardshrink");
  activation<by_elu>("elu");
  activation<by_celu>("celu");
  activation<by_selu>("selu");
  activation<by_softplus>("softplus");
  activation<by_logsigmoid>("logsigmoid");
  activation<by_mish>("mish");
  activation<by_softsign>("softsign");
  activation<by_tanhshrink>("tanhshrink");
}

}  // namespace dovetail::autograd::rules

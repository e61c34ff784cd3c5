// Activation functions with gradients of their own, which record their decompositions, and some with other gradients
// than their decompositions have at the ends of a piece.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

// An op whose derivative is a factor: Slope::times.
template <class Slope>
void declare_piecewise(const char* op, Saves saved) {
  vjp(op, 0, saved, [](Ctx& c) { return Slope::times(c, c.g()); });
  jvp(op, [](Ctx& c) { return tangents(Slope::times(c, c.t(0))); });
}

// Nothing at the limits either.
Tensor where_within(const Tensor& y, double low, double high, const Tensor& g) {
  return where(logical_or(le(y, number(low)), ge(y, number(high))), number(0), g);
}

struct OfHardtanh {
  static Tensor times(Ctx& c, const Tensor& g) { return where_within(c[result], c.number(1), c.number(2), g); }
};
struct OfRelu6 {
  static Tensor times(Ctx& c, const Tensor& g) { return where_within(c[result], 0, 6, g); }
};
struct OfHardsigmoid {
  static Tensor times(Ctx& c, const Tensor& g) {
    const Tensor x = c[0];
    return only_where(logical_and(gt(x, number(-3)), lt(x, number(3))), g) * (1.0 / 6);
  }
};
// x / 3 + 1/2 between -3 and 3.
struct OfHardswish {
  static Tensor times(Ctx& c, const Tensor& g) {
    const Tensor x = c[0];
    const Tensor slope = where(lt(x, number(3)), x * (1.0 / 3) + 0.5, number(1));
    return g * where(le(x, number(-3)), number(0), slope);
  }
};

}  // namespace

void declare_activation() {
  enum { self, approximate };
  static const Op gelu_grad{"gelu_grad"}, silu_grad{"silu_grad"};
  vjp("gelu", self, saves(self), [](Ctx& c) { return gelu_grad(c.g(), c[self], c.value(approximate)); });
  declare_piecewise<OfHardtanh>("hardtanh", saves(result));
  declare_piecewise<OfRelu6>("relu6", saves(result));
  declare_piecewise<OfHardsigmoid>("hardsigmoid", saves(self));
  declare_piecewise<OfHardswish>("hardswish", saves(self));
  vjp("silu", self, saves(self), [](Ctx& c) { return silu_grad(c.g(), c[self]); });
}

}  // namespace dovetail::autograd::rules

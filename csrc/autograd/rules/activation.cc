// Activation functions with gradients of their own, which record their decompositions.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_activation() {
  enum { self, approximate };
  static const Op gelu_grad{"gelu_grad"}, silu_grad{"silu_grad"};
  vjp("gelu", self, saves(self), [](Ctx& c) { return gelu_grad(c.g(), c[self], c.value(approximate)); });
  vjp("silu", self, saves(self), [](Ctx& c) { return silu_grad(c.g(), c[self]); });
}

}  // namespace dovetail::autograd::rules

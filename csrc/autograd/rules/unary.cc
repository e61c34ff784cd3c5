// Elementwise functions of one tensor.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self };

const Op sigmoid_grad{"sigmoid_grad"}, tanh_grad{"tanh_grad"}, relu_grad{"relu_grad"}, sgn{"sgn"};

void declare_rounding() {
  vjp("neg", self, [](Ctx& c) { return -c.g(); });
  vjp("abs", self, saves(self), [](Ctx& c) {
    const Tensor x = c[self];
    return c.g() * (dt::is_complex(x.dtype()) ? sgn(x) : sign(x));
  });
  jvp("abs", [](Ctx& c) {
    const Tensor x = c[self];
    return tangents(dt::is_complex(x.dtype()) ? real(conj_physical(sgn(x)) * c.t(self)) : sign(x) * c.t(self));
  });
  vjp("positive", self, same);
  linear("positive", saves(self));
  for (const char* op : {"sign", "floor", "ceil", "trunc", "round"}) vjp(op, self, zero);
}

void declare_exponentials() {
  vjp("exp", self, saves(result), [](Ctx& c) { return c.g() * c[result]; });
  vjp("exp2", self, saves(result), [](Ctx& c) { return c.g() * c[result] * kLn2; });
  vjp("expm1", self, saves(result), [](Ctx& c) { return c.g() * (c[result] + 1); });
  vjp("log", self, saves(self), [](Ctx& c) { return c.g() / c[self]; });
  vjp("log2", self, saves(self), [](Ctx& c) { return c.g() / (c[self] * kLn2); });
  vjp("log10", self, saves(self), [](Ctx& c) { return c.g() / (c[self] * kLn10); });
  vjp("log1p", self, saves(self), [](Ctx& c) { return c.g() / (c[self] + 1); });
  vjp("sqrt", self, saves(result), [](Ctx& c) { return c.g() / (c[result] * 2); });
  vjp("rsqrt", self, saves(result), [](Ctx& c) { return c.g() * (pow(c[result], number(3)) * -0.5); });
  vjp("reciprocal", self, saves(result), [](Ctx& c) { return -c.g() * square(c[result]); });
  vjp("square", self, saves(self), [](Ctx& c) { return c.g() * (c[self] * 2); });
}

void declare_trigonometry() {
  vjp("sin", self, saves(self), [](Ctx& c) { return c.g() * cos(c[self]); });
  vjp("cos", self, saves(self), [](Ctx& c) { return -c.g() * sin(c[self]); });
  vjp("tan", self, saves(result), [](Ctx& c) { return c.g() * (square(c[result]) + 1); });
  vjp("asin", self, saves(self), [](Ctx& c) { return c.g() * rsqrt(1 - square(c[self])); });
  vjp("acos", self, saves(self), [](Ctx& c) { return -c.g() * rsqrt(1 - square(c[self])); });
  vjp("atan", self, saves(self), [](Ctx& c) { return c.g() / (square(c[self]) + 1); });
  vjp("sinh", self, saves(self), [](Ctx& c) { return c.g() * cosh(c[self]); });
  vjp("cosh", self, saves(self), [](Ctx& c) { return c.g() * sinh(c[self]); });
  vjp("tanh", self, saves(result), [](Ctx& c) { return tanh_grad(c.g(), c[result]); });
  vjp("asinh", self, saves(self), [](Ctx& c) { return c.g() * rsqrt(square(c[self]) + 1); });
  vjp("acosh", self, saves(self), [](Ctx& c) { return c.g() * rsqrt(square(c[self]) - 1); });
  vjp("atanh", self, saves(self), [](Ctx& c) { return c.g() / (1 - square(c[self])); });
}

void declare_special() {
  vjp("erf", self, saves(self), [](Ctx& c) { return c.g() * (exp(-square(c[self])) * kTwoOverSqrtPi); });
  vjp("erfc", self, saves(self), [](Ctx& c) { return c.g() * (exp(-square(c[self])) * -kTwoOverSqrtPi); });
  vjp("erfinv", self, saves(result), [](Ctx& c) { return c.g() * (exp(square(c[result])) / kTwoOverSqrtPi); });
  vjp("sigmoid", self, saves(result), [](Ctx& c) { return sigmoid_grad(c.g(), c[result]); });
  vjp("relu", self, saves(result), [](Ctx& c) { return relu_grad(c.g(), c[result]); });
}

}  // namespace

void declare_unary() {
  declare_rounding();
  declare_exponentials();
  declare_trigonometry();
  declare_special();
}

}  // namespace dovetail::autograd::rules

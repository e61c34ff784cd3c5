// Elementwise functions of two tensors. What was broadcast is summed by the engine.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, other, third };

constexpr int alpha = third;

void declare_arithmetic() {
  vjp("add", self, same);
  vjp("add", other, [](Ctx& c) { return scaled(c, c.g(), alpha); });
  vjp("sub", self, same);
  vjp("sub", other, [](Ctx& c) { return scaled(c, -c.g(), alpha); });
  vjp("mul", self, saves(other), [](Ctx& c) { return c.g() * c[other]; });
  vjp("mul", other, saves(self), [](Ctx& c) { return c.g() * c[self]; });
}

// A rounded quotient is flat: its derivative is zero.
void declare_division() {
  constexpr int rounding_mode = third;
  vjp("div", self, saves(other), [](Ctx& c) { return c.given(rounding_mode) ? zero(c) : c.g() / c[other]; });
  vjp("div", other, saves(self, other),
      [](Ctx& c) { return c.given(rounding_mode) ? zero(c) : -c.g() * (c[self] / c[other] / c[other]); });
  vjp("floor_divide", self, zero);
  vjp("floor_divide", other, zero);
  vjp("remainder", self, same);
  vjp("remainder", other, saves(self, other), [](Ctx& c) { return -c.g() * div(c[self], c[other], "floor"); });
  vjp("fmod", self, same);
  vjp("fmod", other, saves(self, other), [](Ctx& c) { return -c.g() * div(c[self], c[other], "trunc"); });
}

// A Python number given as the exponent, where the result is simpler.
bool is_number(const Tensor& t, double* value) {
  if (!(t.bits() & DT_BIT_WRAPPED)) return false;
  dt_value v;
  dt::check(dt::api().item(t.get(), &v));
  if (v.tag != DT_FLOAT && v.tag != DT_INT && v.tag != DT_BOOLEAN) return false;
  *value = v.tag == DT_FLOAT ? v.as.f : static_cast<double>(v.as.i);
  return true;
}

Tensor pow_self(Ctx& c) {
  const Tensor x = c[self], exponent = c[other];
  double number_given;
  if (is_number(exponent, &number_given)) {
    if (number_given == 0) return zero(c);
    if (number_given == 1) return c.g();
    if (number_given == 2) return c.g() * (x * 2);
    return c.g() * (pow(x, number(number_given - 1)) * exponent);
  }
  // x ** 0 is 1 also at 0: there 1 stands in for x, as 0 * x ** -1 would make NaN, here or in the next derivative.
  const Tensor power = in_result(c, other);
  const Tensor flat = logical_and(eq(power, number(0)), logical_not(gt(abs(x), number(1e-4))));
  return c.g() * (power * pow(where(flat, ones_like(x), x), power - 1));
}

// 0 ** y is 0 around y > 0: there log 1 stands in for log 0, which would make NaN, here or in the next derivative.
Tensor pow_other(Ctx& c) {
  const Tensor exponent = dt::is_complex(c[other].dtype()) ? real(c[other]) : c[other];
  const Tensor flat = logical_and(eq(c[self], number(0)), ge(exponent, number(0)));
  return c.g() * (c[result] * log(where(flat, ones_like(c.g()), c[self])));
}

// One side of the triangle over the square of the hypotenuse; 0 at the origin, which has no angle.
Tensor over_square(Ctx& c, int side) {
  const Tensor length = square(in_result(c, self)) + square(in_result(c, other));
  return in_result(c, side) / where(eq(length, number(0)), number(1), length);
}

void declare_functions() {
  vjp("pow", self, saves(self, other), pow_self);
  vjp("pow", other, saves(self, other, result), pow_other);
  vjp("atan2", self, saves(self, other), [](Ctx& c) { return c.g() * over_square(c, other); });
  vjp("atan2", other, saves(self, other), [](Ctx& c) { return -c.g() * over_square(c, self); });
}

// The next number moves along with the first.
void declare_next() {
  vjp("nextafter", self, same);
  vjp("nextafter", other, zero);
  jvp("nextafter", [](Ctx& c) { return c.t(self) ? tangents(c.t(self) + zeros_like(c[result])) : Tangents{}; });
}

// The gradient goes to the argument that was taken; of two equal ones, half to each.
Tensor taken(const Tensor& g, const Tensor& loses, const Tensor& ties) {
  return where(loses, number(0), where(ties, g * 0.5, g));
}

void declare_extremes() {
  vjp("maximum", self, saves(self, other),
      [](Ctx& c) { return taken(c.g(), lt(c[self], c[other]), eq(c[self], c[other])); });
  vjp("maximum", other, saves(self, other),
      [](Ctx& c) { return taken(c.g(), lt(c[other], c[self]), eq(c[self], c[other])); });
  vjp("minimum", self, saves(self, other),
      [](Ctx& c) { return taken(c.g(), gt(c[self], c[other]), eq(c[self], c[other])); });
  vjp("minimum", other, saves(self, other),
      [](Ctx& c) { return taken(c.g(), gt(c[other], c[self]), eq(c[self], c[other])); });
}

}  // namespace

void declare_binary() {
  declare_arithmetic();
  declare_division();
  declare_functions();
  declare_extremes();
  declare_next();
}

}  // namespace dovetail::autograd::rules

// Special functions. Their derivatives are among themselves, so that there are any number of them.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, other };

const Op digamma{"digamma"}, polygamma{"polygamma"}, lgamma{"lgamma"}, zeta{"special_zeta"};
const Op erfcx{"special_erfcx"}, isinf{"isinf"};
const Op j0{"special_bessel_j0"}, j1{"special_bessel_j1"}, y0{"special_bessel_y0"}, y1{"special_bessel_y1"};
const Op i0{"i0"}, i0e{"special_i0e"}, i1{"special_i1"}, i1e{"special_i1e"};
const Op k0{"special_modified_bessel_k0"}, k1{"special_modified_bessel_k1"};
const Op k0e{"special_scaled_modified_bessel_k0"}, k1e{"special_scaled_modified_bessel_k1"};
const Op airy{"special_airy_ai"}, airy_slope{"airy_ai_slope"};

constexpr double kSqrtHalf = 0.70710678118654752440, kSqrtTwoPi = 2.50662827463100050242;

// f / x for a function of order 1, which is about x/2 where x is small.
Tensor over(const Tensor& f, const Tensor& x) {
  const Tensor zero = eq(x, number(0));
  return where(zero, number(0.5), f / where(zero, number(1), x));
}

void declare_gamma() {
  vjp("lgamma", self, saves(self), [](Ctx& c) { return c.g() * digamma(c[self]); });
  vjp("digamma", self, saves(self), [](Ctx& c) { return c.g() * polygamma(c[self], 1); });
  vjp("polygamma", self, saves(self), [](Ctx& c) { return c.g() * polygamma(c[self], c.integer(other) + 1); });
  vjp("special_zeta", other, saves(self, other),
      [](Ctx& c) { return c.g() * (-in_result(c, self) * zeta(in_result(c, self) + 1, c[other])); });
  const auto density = [](Ctx& c) {
    const Tensor a = in_result(c, self), x = in_result(c, other);
    return exp((a - 1) * log(x) - x - lgamma(a));
  };
  static const auto integrand = +density;
  vjp("igamma", other, saves(self, other), [](Ctx& c) { return c.g() * integrand(c); });
  vjp("igammac", other, saves(self, other), [](Ctx& c) { return -c.g() * integrand(c); });
}

void declare_normal() {
  vjp("special_erfcx", self, saves(self, result),
      [](Ctx& c) { return c.g() * (2.0 * c[self] * c[result] - kTwoOverSqrtPi); });
  vjp("special_ndtr", self, saves(self), [](Ctx& c) { return c.g() * (exp(square(c[self]) * -0.5) / kSqrtTwoPi); });
  vjp("special_log_ndtr", self, saves(self),
      [](Ctx& c) { return c.g() * (2 / kSqrtTwoPi) / erfcx(c[self] * -kSqrtHalf); });
  vjp("special_ndtri", self, saves(result), [](Ctx& c) { return c.g() * (exp(square(c[result]) * 0.5) * kSqrtTwoPi); });
  vjp("special_entr", self, saves(self), [](Ctx& c) { return c.g() * (-1.0 - log(c[self])); });
}

void declare_bessel() {
  vjp("special_bessel_j0", self, saves(self), [](Ctx& c) { return -c.g() * j1(c[self]); });
  vjp("special_bessel_j1", self, saves(self, result),
      [](Ctx& c) { return c.g() * (j0(c[self]) - over(c[result], c[self])); });
  vjp("special_bessel_y0", self, saves(self), [](Ctx& c) { return -c.g() * y1(c[self]); });
  vjp("special_bessel_y1", self, saves(self, result),
      [](Ctx& c) { return c.g() * (y0(c[self]) - c[result] / c[self]); });
}

// The derivative of sin(x) / x, which is value: near 0, where (cos(x) - value) / x has no digits, by its series.
Tensor spherical_slope(const Tensor& x, const Tensor& value) {
  const Tensor near = lt(abs(x), number(1.0)), infinite = isinf(x);
  const Tensor z = square(where(near, x, number(0)));
  Tensor series = 1 - z / 304.0;
  for (int k = 7; k > 0; --k) series = 1 - z * series / static_cast<double>(2 * k * (2 * k + 3));
  const Tensor far = where(logical_or(near, infinite), number(1), x);
  const Tensor slope = where(infinite, number(0), (cos(far) - value) / far);
  return where(near, x * series / -3.0, slope);
}

void declare_spherical() {
  const char* op = "special_spherical_bessel_j0";
  vjp(op, self, saves(self, result), [](Ctx& c) { return c.g() * spherical_slope(c[self], c[result]); });
  jvp(op, [](Ctx& c) { return tangents(spherical_slope(c[self], c[result]) * c.t(self)); });
}

void declare_modified_bessel() {
  vjp("i0", self, saves(self), [](Ctx& c) { return c.g() * i1(c[self]); });
  vjp("special_i0e", self, saves(self, result),
      [](Ctx& c) { return c.g() * (i1e(c[self]) - sign(c[self]) * c[result]); });
  vjp("special_i1", self, saves(self, result), [](Ctx& c) { return c.g() * (i0(c[self]) - over(c[result], c[self])); });
  vjp("special_i1e", self, saves(self, result),
      [](Ctx& c) { return c.g() * (i0e(c[self]) - over(c[result], c[self]) - sign(c[self]) * c[result]); });
  vjp("special_modified_bessel_k0", self, saves(self), [](Ctx& c) { return -c.g() * k1(c[self]); });
  vjp("special_modified_bessel_k1", self, saves(self, result),
      [](Ctx& c) { return -c.g() * (k0(c[self]) + c[result] / c[self]); });
  vjp("special_scaled_modified_bessel_k0", self, saves(self, result),
      [](Ctx& c) { return c.g() * (c[result] - k1e(c[self])); });
  vjp("special_scaled_modified_bessel_k1", self, saves(self, result),
      [](Ctx& c) { return c.g() * (c[result] - k0e(c[self]) - c[result] / c[self]); });
}

void declare_airy() {
  vjp("special_airy_ai", self, saves(self), [](Ctx& c) { return c.g() * airy_slope(c[self]); });
  vjp("airy_ai_slope", self, saves(self), [](Ctx& c) { return c.g() * (c[self] * airy(c[self])); });
}

}  // namespace

void declare_special() {
  declare_gamma();
  declare_normal();
  declare_bessel();
  declare_spherical();
  declare_modified_bessel();
  declare_airy();
}

}  // namespace dovetail::autograd::rules

// Choosing between elements.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

void declare_where() {
  enum { condition, self, other };
  vjp("where", self, saves(condition), [](Ctx& c) { return where(c[condition], c.g(), number(0)); });
  vjp("where", other, saves(condition), [](Ctx& c) { return where(c[condition], number(0), c.g()); });
}

void declare_masked_fill() {
  enum { self, mask, value };
  vjp("masked_fill", self, saves(mask), [](Ctx& c) { return masked_fill(c.g(), c[mask], number(0)); });
  linear("masked_fill", saves(self, value));
  vjp("masked_fill", value, saves(mask), [](Ctx& c) { return sum(only_where(c[mask], c.g())); });
}

enum { self, min, max };

Tensor clamp_self(Ctx& c) {
  const Tensor x = c[self], low = c[min], high = c[max];
  if (!low) return only_where(le(x, high), c.g());
  if (!high) return only_where(ge(x, low), c.g());
  return only_where(logical_and(ge(x, low), le(x, high)), c.g());
}

// Where the limits cross, the upper one wins.
Tensor clamp_min(Ctx& c) {
  Tensor below = lt(c[self], c[min]);
  if (const Tensor high = c[max]) below = logical_and(below, lt(c[min], high));
  return only_where(below, c.g());
}

Tensor clamp_max(Ctx& c) {
  Tensor above = gt(c[self], c[max]);
  if (const Tensor low = c[min]) above = logical_or(above, lt(c[max], low));
  return only_where(above, c.g());
}

}  // namespace

void declare_select() {
  declare_where();
  declare_masked_fill();
  vjp("clamp", self, saves(self, min, max), clamp_self);
  vjp("clamp", min, saves(self, min, max), clamp_min);
  vjp("clamp", max, saves(self, min, max), clamp_max);
}

}  // namespace dovetail::autograd::rules

// Random numbers. A draw does not move with its parameters: their gradient is zero.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

void drawn(const char* op, int n_parameters) {
  for (int arg = 0; arg < n_parameters; ++arg) vjp(op, arg, zero);
  jvp(op, [](Ctx&) { return Tangents{}; });
}

}  // namespace

void declare_random() {
  drawn("bernoulli", 1);
  drawn("poisson", 1);
  drawn("normal", 2);
  constexpr int factor = 1;
  vjp("philox_dropout", 0, saves(result_at(factor)), [](Ctx& c) { return c.g() * c[result_at(factor)]; });
  jvp("philox_dropout", [](Ctx& c) { return tangents(c.t(0) * c[result_at(factor)], Tensor()); });
}

}  // namespace dovetail::autograd::rules

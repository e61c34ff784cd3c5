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
}

}  // namespace dovetail::autograd::rules

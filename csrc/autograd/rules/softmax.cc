// softmax, log_softmax and the derivatives of their gradients.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

const Op softmax_grad{"softmax_grad"}, log_softmax_grad{"log_softmax_grad"};

Tensor along(Ctx& c, const Tensor& t, int dim) { return sum(t, std::vector<int64_t>{c.integer(dim)}, true); }

// The tangent in the dtype of the result.
Tensor in_result(Ctx& c) {
  const DType dtype{c.output().dtype};
  return c.t(0).dtype() == dtype.value ? c.t(0) : cast(c.t(0), dtype);
}

}  // namespace

void declare_softmax() {
  {
    enum { self, dim };
    vjp("softmax", self, saves(result), [](Ctx& c) { return softmax_grad(c.g(), c[result], c.value(dim)); });
    vjp("log_softmax", self, saves(result), [](Ctx& c) { return log_softmax_grad(c.g(), c[result], c.value(dim)); });
    // The Jacobian of softmax is symmetric.
    jvp("softmax", [](Ctx& c) { return tangents(softmax_grad(in_result(c), c[result], c.value(dim))); });
    jvp("log_softmax", [](Ctx& c) {
      const Tensor t = in_result(c);
      return tangents(t - along(c, exp(c[result]) * t, dim));
    });
  }
  enum { grad, output, dim };
  // y * (g - sum(g * y)): symmetric in g and its cotangent.
  vjp("softmax_grad", grad, saves(output), [](Ctx& c) { return softmax_grad(c.g(), c[output], c.value(dim)); });
  vjp("softmax_grad", output, saves(grad, output), [](Ctx& c) {
    const Tensor inner = c[grad] - along(c, c[grad] * c[output], dim);
    return c.g() * inner - c[grad] * along(c, c.g() * c[output], dim);
  });
  // g - exp(y) * sum(g)
  vjp("log_softmax_grad", grad, saves(output), [](Ctx& c) { return c.g() - along(c, c.g() * exp(c[output]), dim); });
  vjp("log_softmax_grad", output, saves(grad, output),
      [](Ctx& c) { return -c.g() * (exp(c[output]) * along(c, c[grad], dim)); });
}

}  // namespace dovetail::autograd::rules

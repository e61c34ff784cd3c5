// Layer normalisation; its gradient op records its decomposition.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

void declare_norm() {
  enum { input, normalized_shape, weight, bias, eps };
  vjp_joint("layer_norm", saves(input, weight), [](Ctx& c) {
    static const Op layer_norm_grad{"layer_norm_grad"};
    auto grads = layer_norm_grad.many<3>(c.g(), c[input], c.value(normalized_shape), c[weight], c.value(eps));
    c.give(input, std::move(grads[0]));
    c.give(weight, std::move(grads[1]));
    c.give(bias, std::move(grads[2]));
  });
}

}  // namespace dovetail::autograd::rules
